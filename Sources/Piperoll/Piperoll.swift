/// Everything a program needs to embed the engine: `import Piperoll`.

@_exported public import AsyncLog
@_exported public import CommitLog
@_exported public import LogFormat
@_exported public import Quantities
