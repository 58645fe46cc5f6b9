internal import CrashScenarios
internal import Glibc

/// Crash, fault and kill tests of the engine, for more states than a test target has time for.
@main
enum Simulate {
  static func main() {
    let arguments = Arguments(CommandLine.arguments.dropFirst())
    let isPassed: Bool
    do {
      switch arguments.command {
      case "crash": isPassed = try CrashCommand.run(arguments)
      case "broken": isPassed = try BrokenCommand.run(arguments)
      case "faults": isPassed = try FaultCommand.run(arguments)
      case "kill": isPassed = try KillCommand.run(arguments)
      default:
        print(usage)
        exit(arguments.command == "help" ? 0 : 2)
      }
    } catch {
      print("simulate: \(error)")
      exit(2)
    }
    exit(isPassed ? 0 : 1)
  }

  static let usage = """
    usage: simulate crash --states N [--seed S] [--scenario X] [--operation N] [--jobs J]
           simulate faults [--every K] [--seed S] [--scenario X] [--operation N] [--jobs J]
           simulate broken [--states N] [--seed S]
           simulate kill [--rounds N] [--seed S] [--threads T] [--durability disk|async|memory]
                         [--program PATH] [--dir DIR]
    """
}

/// Prints a line at once, so that a crash of this program hides nothing.
func printNow(_ text: String) {
  print(text)
  // No stream: all of them.
  _ = fflush(nil)
}
