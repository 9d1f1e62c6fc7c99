// The most that this processor can do: multiply-adds on accumulators that never leave their registers. What `make bench` holds times against.
#pragma once

// Enough independent chains to keep every unit busy through the latency of an operation, and no more than there are registers.
#if VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr int CHAINS = 24;
#else
constexpr int CHAINS = 12;
#endif
constexpr int BURST = 4096;  // multiply-adds of a chain between two looks at the clock

// What the compiler can't see through: it would compute the whole loop by itself, or leave it out.
static volatile float factor = 0.9999f, term = 1e-4f, sink;

// Operations a second, all threads together; `burst` runs its chains BURST times and returns how many operations that was.
template <class Burst>
static double rate_of(int threads, double seconds, Burst burst) {
    double rate = 0;
#pragma omp parallel num_threads(threads) reduction(+ : rate)
    {
        double operations = burst();  // the first one raises the clock and wakes the units
#pragma omp barrier
        const double began = omp_get_wtime();
        double now = began;
        for (operations = 0; now - began < seconds; now = omp_get_wtime()) operations += burst();
        rate += operations / (now - began);
    }
    return rate;
}

// Every loop over the chains is unrolled: a single rolled one would put them all into memory.
static double fma_burst() {
    const Vec<float> a = all<float>(factor), b = all<float>(term);
    Vec<float> chains[CHAINS];
#pragma GCC unroll 24
    for (int c = 0; c < CHAINS; ++c) chains[c] = a + float(c);
    for (int i = 0; i < BURST; ++i) {
#pragma GCC unroll 24
        for (int c = 0; c < CHAINS; ++c) chains[c] = chains[c] * a + b;
    }
    Vec<float> sum = chains[0];
#pragma GCC unroll 24
    for (int c = 1; c < CHAINS; ++c) sum += chains[c];
    sink = sum[0];
    return 2.0 * BURST * CHAINS * WIDTH<float>;
}

static double peak_f32(int threads, double seconds) { return rate_of(threads, seconds, fma_burst); }

#if VECTOR_BYTES == 64 && defined(__x86_64__)
// Dot products of pairs of bfloat16, added up in float32.
__attribute__((target("avx512bf16"))) static double bf16_burst() {
    const __m512 some = _mm512_set1_ps(factor);
    const __m512bh a = _mm512_cvtne2ps_pbh(some, some);
    __m512 chains[CHAINS];
#pragma GCC unroll 24
    for (int c = 0; c < CHAINS; ++c) chains[c] = some * float(c);
    for (int i = 0; i < BURST; ++i) {
#pragma GCC unroll 24
        for (int c = 0; c < CHAINS; ++c) chains[c] = _mm512_dpbf16_ps(chains[c], a, a);
    }
    __m512 sum = chains[0];
#pragma GCC unroll 24
    for (int c = 1; c < CHAINS; ++c) sum += chains[c];
    sink = sum[0];
    return 4.0 * BURST * CHAINS * 16;
}

static double peak_bf16(int threads, double seconds) { return rate_of(threads, seconds, bf16_burst); }
#else
constexpr double (*peak_bf16)(int, double) = nullptr;
#endif
