// libcrypto of OpenSSL 3: signatures and ciphers.
#include <openssl/evp.h>
