/// The man page of a program with all its commands, in roff with the `man` macros.
struct ManualPage {
  let program: Program

  init(_ program: Program) { self.program = program }

  /// The page, ready for `man -l`.
  var text: String {
    var lines = [
      ".TH \(quoted(program.name.uppercased())) 1 \(quoted(program.date)) "
        + "\(quoted("\(program.name) \(program.version)"))",
      ".SH NAME", "\(escaped(program.name)) \\- \(escaped(program.summary))",
      ".SH SYNOPSIS", ".B \(escaped(program.name))", ".I COMMAND", "[options] [arguments]",
    ]
    lines.append(".SH DESCRIPTION")
    lines += paragraphs(program.discussion.isEmpty ? program.summary + "." : program.discussion)
    lines.append(".SH COMMANDS")
    for command in program.commands { lines += section(of: command) }
    lines += [".SH EXIT STATUS", "Commands that list no other meaning end with:"]
    lines += Command.ExitMeaning.usual.flatMap(exitLines)
    return lines.joined(separator: "\n") + "\n"
  }

  private func section(of command: Command) -> [String] {
    let context = "\(program.name) \(command.name)"
    let usage = HelpText.usage(of: command, context: "").dropFirst()
    var lines = [
      ".SS \(quoted(command.name))", ".B \(escaped(context))", escaped(String(usage)), ".PP",
      escaped(command.summary) + ".",
    ]
    lines += paragraphs(command.discussion)
    for parameter in command.positionals {
      lines += [".TP", ".I \(escaped(parameter.name))", escaped(parameter.help) + "."]
    }
    for parameter in command.options {
      lines += [".TP", heading(of: parameter)]
      lines.append(escaped(HelpText.explanation(of: parameter)) + ".")
    }
    for group in command.exclusiveGroups {
      lines += [".PP", escaped("At most one of " + group.joined(separator: ", ") + ".")]
    }
    for example in command.examples {
      lines += [".PP", escaped(example.explanation) + ":", ".PP", ".RS 4", ".nf"]
      lines += [escaped(example.line), ".fi", ".RE"]
    }
    if command.exitCodes != Command.ExitMeaning.usual {
      lines += [".PP", "Exit status:"] + command.exitCodes.flatMap(exitLines)
    }
    return lines
  }

  private func heading(of parameter: Parameter) -> String {
    let short = parameter.short.map { "\\fB\(escaped("-\($0)"))\\fR, " } ?? ""
    let value = parameter.form == .option ? " \\fI\(escaped(parameter.placeholder))\\fR" : ""
    return "\(short)\\fB\(escaped(parameter.label))\\fR\(value)"
  }

  private func exitLines(_ exit: Command.ExitMeaning) -> [String] {
    [".TP 4", ".B \(exit.code.rawValue)", escaped(exit.meaning) + "."]
  }

  private func paragraphs(_ text: String) -> [String] {
    HelpText.split(paragraphs: text).flatMap { [".PP", escaped($0)] }
  }

  /// An argument of a macro: in quotes, because it may hold spaces.
  private func quoted(_ text: String) -> String {
    let parts = escaped(text).split(separator: "\"", omittingEmptySubsequences: false)
    return "\"\(parts.joined(separator: "\\(dq"))\""
  }

  /// Text that prints as itself: no escape, request or line break is left in it, and dashes are
  /// minus signs, so that they can be copied into a shell.
  private func escaped(_ text: String) -> String {
    var result = ""
    if let first = text.unicodeScalars.first, first == "." || first == "'" { result += "\\&" }
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\e"
      case "-": result += "\\-"
      case "'": result += "\\(aq"
      case "`": result += "\\(ga"
      case "^": result += "\\(ha"
      case "~": result += "\\(ti"
      case "\n": result += " "
      case _ where scalar.isASCII: result.unicodeScalars.append(scalar)
      default:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        result += "\\[u\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)]"
      }
    }
    return result
  }
}
