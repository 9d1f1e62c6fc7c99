// The whole engine for one instruction set. The file that includes it sets VECTOR_BYTES and KERNELS, and its compiler flags.
// No C++ library in here: a function of it that got compiled for a new processor could be linked into code for an old one.
#include <omp.h>
#include <time.h>
#if VECTOR_BYTES == 64
#include <immintrin.h>
#endif

#include "api.hpp"

namespace {
using namespace elman;
#include "vector.hpp"
#include "tile.hpp"
#include "pairs.hpp"
#include "program.hpp"
#include "layout.hpp"
#include "team.hpp"
#include "forward.hpp"
#include "stretch.hpp"
#include "sums.hpp"
#include "backward.hpp"
#include "head.hpp"
#include "draw.hpp"
#include "stream.hpp"
#include "peak.hpp"

template <class Real, class Factor>
constexpr Engine engine = {sizeof(Real), PANEL<Real>, packed_bytes<Real, Factor>, pack<Real, Factor>, record_bytes<Real>,
                           {forward<Real, Factor>, forward_bytes<Real, Factor>}, {backward<Real, Factor>, backward_bytes<Real, Factor>}};
}  // namespace

namespace elman {
extern const Kernels KERNELS;
const Kernels KERNELS = {KERNELS_NAME, fingerprint, engine<float, float>, engine<double, double>, engine<float, Half>,
                         head_passes<float>, head_passes<double>,
                         streaming<float, float>, streaming<double, double>, streaming<float, Halves>, {multiply_pairs, nullptr, nullptr}, peak_f32, peak_bf16};
}  // namespace elman
