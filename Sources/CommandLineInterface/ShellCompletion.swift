/// Completion scripts made from the declarations of a program.
struct ShellCompletion {
  let program: Program

  init(_ program: Program) { self.program = program }

  /// Returns the script for a shell; where it belongs is said in its first lines.
  func script(for shell: Shell) -> String {
    let lines =
      switch shell {
      case .bash: bash
      case .zsh: zsh
      case .fish: fish
      }
    return lines.joined(separator: "\n") + "\n"
  }

  private var commandNames: String { program.commands.map(\.name).joined(separator: " ") }

  private func words(of command: Command) -> [String] {
    command.options.flatMap { parameter in
      (parameter.short.map { ["-\($0)"] } ?? []) + [parameter.label]
    } + ["--help"]
  }

  private var bash: [String] {
    var lines = [
      "# bash completion for \(program.name); source it, or store it as",
      "# ~/.local/share/bash-completion/completions/\(program.name)",
      "_\(identifier)() {",
      "  local word=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"",
      "  COMPREPLY=()",
      "  if ((COMP_CWORD == 1)); then",
      "    COMPREPLY=($(compgen -W \(quoted(commandNames + " --help --version")) -- \"$word\"))",
      "    return",
      "  fi",
      "  case \"${COMP_WORDS[1]}:$previous\" in",
    ]
    for command in program.commands {
      for parameter in command.options where parameter.form == .option {
        let names = (parameter.short.map { ["-\($0)"] } ?? []) + [parameter.label]
        let pattern = names.map { "\(command.name):\($0)" }.joined(separator: "|")
        lines.append("    \(pattern)) \(bashReply(to: parameter.completion)); return ;;")
      }
    }
    lines += ["  esac", "  case \"${COMP_WORDS[1]}:$word\" in"]
    for command in program.commands {
      let options = quoted(words(of: command).joined(separator: " "))
      lines.append("    \(command.name):-*) COMPREPLY=($(compgen -W \(options) -- \"$word\")) ;;")
    }
    lines += [
      "    help:*) COMPREPLY=($(compgen -W \(quoted(commandNames)) -- \"$word\")) ;;",
      "    *) \(bashReply(to: .path)) ;;", "  esac", "}",
      "complete -o filenames -F _\(identifier) \(program.name)",
    ]
    return lines
  }

  private func bashReply(to completion: Completion) -> String {
    switch completion {
    case .none: ":"
    case .path: "mapfile -t COMPREPLY < <(compgen -f -- \"$word\")"
    case .words(let words):
      "COMPREPLY=($(compgen -W \(quoted(words.joined(separator: " "))) -- \"$word\"))"
    }
  }

  private var zsh: [String] {
    var lines = [
      "#compdef \(program.name)",
      "# zsh completion for \(program.name); store it as _\(program.name) in a folder of $fpath",
      "_\(identifier)() {", "  local -a commands=(",
    ]
    for command in program.commands {
      lines.append("    \(quoted("\(command.name):\(zshText(command.summary))"))")
    }
    lines += [
      "  )", "  if ((CURRENT == 2)); then", "    _describe command commands", "    return", "  fi",
      "  local command=\"$words[2]\"", "  shift words", "  ((CURRENT--))", "  case \"$command\" in",
    ]
    for command in program.commands {
      lines.append("    \(command.name))")
      lines.append("      _arguments -s \\")
      lines += command.options.flatMap(zshOption).map { "        \(quoted($0)) \\" }
      lines += command.positionals.map { "        \(quoted(zshPositional($0))) \\" }
      lines += ["        '--help[print help]'", "      ;;"]
    }
    return lines + ["  esac", "}", "_\(identifier) \"$@\""]
  }

  private func zshOption(_ parameter: Parameter) -> [String] {
    let names = [parameter.label] + (parameter.short.map { ["-\($0)"] } ?? [])
    let help = "[\(zshText(parameter.help))]"
    let value =
      parameter.form == .option
      ? ":\(zshText(parameter.placeholder)):\(zshAction(parameter.completion))" : ""
    let again = parameter.isRepeating ? "*" : ""
    return names.map { name in
      let attachment = parameter.form == .flag ? "" : name.hasPrefix("--") ? "=" : "+"
      return "\(again)\(name)\(attachment)\(help)\(value)"
    }
  }

  private func zshPositional(_ parameter: Parameter) -> String {
    let start = parameter.isRepeating ? "*:" : parameter.isRequired ? ":" : "::"
    return "\(start)\(zshText(parameter.name)):\(zshAction(parameter.completion))"
  }

  private func zshAction(_ completion: Completion) -> String {
    switch completion {
    case .none: " "
    case .path: "_files"
    case .words(let words): "(\(words.joined(separator: " ")))"
    }
  }

  private func zshText(_ text: String) -> String {
    var result = ""
    for character in text {
      if ":[]\\".contains(character) { result.append("\\") }
      result.append(character)
    }
    return result
  }

  private var fish: [String] {
    let complete = "complete -c \(program.name)"
    var lines = [
      "# fish completion for \(program.name); store it as",
      "# ~/.config/fish/completions/\(program.name).fish",
    ]
    for command in program.commands {
      lines.append(
        "\(complete) -f -n __fish_use_subcommand -a \(command.name) "
          + "-d \(fishQuoted(command.summary))")
      let seen = "-n \(fishQuoted("__fish_seen_subcommand_from \(command.name)"))"
      for parameter in command.options {
        let short = parameter.short.map { " -s \($0)" } ?? ""
        let value = parameter.form == .option ? fishValue(parameter.completion) : ""
        lines.append(
          "\(complete) \(seen)\(short) -l \(parameter.name)\(value) "
            + "-d \(fishQuoted(parameter.help))"
        )
      }
    }
    lines.append(
      "\(complete) -f -n \(fishQuoted("__fish_seen_subcommand_from help")) "
        + "-a \(fishQuoted(commandNames))")
    return lines
  }

  private func fishValue(_ completion: Completion) -> String {
    switch completion {
    case .none: " -x"
    case .path: " -r -F"
    case .words(let words): " -x -a \(fishQuoted(words.joined(separator: " ")))"
    }
  }

  /// The name as a shell function may be called.
  private var identifier: String {
    String(program.name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
  }

  /// Text in single quotes for bash and zsh.
  private func quoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
      + "'"
  }

  /// Text in single quotes for fish, where a backslash escapes inside them.
  private func fishQuoted(_ text: String) -> String {
    var result = "'"
    for character in text {
      if character == "'" || character == "\\" { result.append("\\") }
      result.append(character)
    }
    return result + "'"
  }
}
