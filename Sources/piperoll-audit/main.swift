import AuditCommands
import CStaticProgram
import Glibc

exit(AuditProgram.main())
