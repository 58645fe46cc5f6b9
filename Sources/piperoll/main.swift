import Glibc
import PiperollCommands

exit(PiperollProgram.main())
