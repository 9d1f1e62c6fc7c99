// The whole engine for one instruction set. The file that includes it sets VECTOR_BYTES and KERNELS, and its compiler flags.
// No C++ library in here: a function of it that got compiled for a new processor could be linked into code for an old one.
#include <omp.h>

#include "api.hpp"

namespace {
using namespace elman;
#include "vector.hpp"
#include "tile.hpp"
#include "program.hpp"
#include "layer.hpp"
}  // namespace

namespace elman {
extern const Kernels KERNELS;
const Kernels KERNELS = {KERNELS_NAME, forward<float>, backward<float>, forward<double>, backward<double>, scratch_bytes<float>, scratch_bytes<double>};
}  // namespace elman
