#include "file_system_calls.h"

#include <unistd.h>

int harness_synchronize_file_system(int descriptor) { return syncfs(descriptor); }
