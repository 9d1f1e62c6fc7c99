#define VECTOR_BYTES 64
#define KERNELS kernels_avx512
#define KERNELS_NAME "avx512"
#include "build.inl"
