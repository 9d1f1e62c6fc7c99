#define VECTOR_BYTES 16
#define KERNELS kernels_portable
#define KERNELS_NAME "portable"
#include "build.inl"
