import PiperollCommands

PiperollProgram.main()
