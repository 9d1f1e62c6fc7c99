#define VECTOR_BYTES 32
#define KERNELS kernels_avx2
#define KERNELS_NAME "avx2"
#include "build.inl"
