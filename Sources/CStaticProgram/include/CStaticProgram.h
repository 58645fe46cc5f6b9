#ifndef CSTATICPROGRAM_H
#define CSTATICPROGRAM_H

#include <stdbool.h>

// What a program needs that is linked statically and runs where nothing but itself is installed. Empty
// unless it is built with PIPEROLL_STATIC, as Tools/audit does.

/// Whether the program was built to run alone.
bool piperoll_is_static_program(void);

#endif
