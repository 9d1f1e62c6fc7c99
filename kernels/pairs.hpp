// Products of bfloat16 numbers with sums in float32. Both operands lie in pairs along the summed direction, as the processors that have
// instructions for it want them: A is rows of whole lines of 32 numbers, B is [pair][column][2], a panel wide.
#pragma once

using Half = uint16_t;
constexpr int64_t HALF_LINE = 32;
INLINE int64_t whole_lines(int64_t count) { return (count + HALF_LINE - 1) / HALF_LINE * HALF_LINE; }

typedef uint32_t Bits __attribute__((vector_size(VECTOR_BYTES), aligned(2), may_alias));
// The nearest bfloat16, ties to even, in the upper half of each lane; NaN stays NaN.
INLINE VecInt<float> halved(Vec<float> v) {
    const VecInt<float> bits = (VecInt<float>)v;
    const VecInt<float> nearest = bits + 0x7fff + ((bits >> 16) & 1);
    return (v == v ? nearest : bits | 0x400000) & int32_t(0xffff0000);
}
// `count` numbers, a multiple of the vector's width, read up to there.
static inline void halve(Half* to, const float* from, int64_t count) {
    for (int64_t i = 0; i < count; i += WIDTH<float>) {
        typedef uint32_t Wide __attribute__((vector_size(VECTOR_BYTES)));
        typedef Half Narrow __attribute__((vector_size(VECTOR_BYTES / 2), aligned(2), may_alias));
        *reinterpret_cast<Narrow*>(to + i) = __builtin_convertvector((Wide)halved(load<float>(from + i)) >> 16, Narrow);
    }
}
// W rows from `from` on of one vector's columns, in pairs, turned into lines: 2 W rows of panels become W lines, each `line` apart. Rows from
// `rows` on are zero.
static inline void halve_turned(Half* to, int64_t line, const float* from, int64_t rows) {
    Vec<float> pair[WIDTH<float>];
#pragma GCC unroll 16
    for (int k = 0; k < WIDTH<float>; ++k) {
        const Vec<float> first = 2 * k < rows ? load<float>(from + 2 * k * PANEL<float>) : Vec<float>{}, second = 2 * k + 1 < rows ? load<float>(from + (2 * k + 1) * PANEL<float>) : Vec<float>{};
        pair[k] = (Vec<float>)(VecInt<float>)(((Bits)halved(first) >> 16) | (Bits)halved(second));
    }
    transpose<float>(pair);
#pragma GCC unroll 16
    for (int k = 0; k < WIDTH<float>; ++k) *reinterpret_cast<Bits*>(to + k * line) = (Bits)(VecInt<float>)pair[k];
}
// Two rows of a panel side by side: [column][2].
static inline void halve_pair(Half* to, const float* first, const float* second) {
    for (int64_t i = 0; i < PANEL<float>; i += WIDTH<float>) {
        *reinterpret_cast<Bits*>(to + 2 * i) = ((Bits)halved(load<float>(first + i)) >> 16) | (Bits)halved(load<float>(second + i));
    }
}

// A thread that makes such products, while this lives.
struct PairsAtWork {
    const Pairs* pairs;
    explicit PairsAtWork(const Pairs* given) : pairs(given) {
        if (pairs && pairs->begin) pairs->begin();
    }
    PairsAtWork(const PairsAtWork&) = delete;
    ~PairsAtWork() {
        if (pairs && pairs->end) pairs->end();
    }
};

template <int MR, int NV>
INLINE void pair_tile(int64_t K, const Half* a, int64_t a_row, const Half* b, const float* start, int64_t start_row, float* c, int64_t c_row) {
    Vec<float> sum[MR][NV];
#pragma GCC unroll 8
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) sum[r][v] = Vec<float>{};
    for (int64_t k = 0; k < K; k += 2, b += 2 * PANEL<float>) {
        VecInt<float> pair[NV];
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) pair[v] = *reinterpret_cast<const VecInt<float>*>(b + 2 * v * WIDTH<float>);
#pragma GCC unroll 8
        for (int r = 0; r < MR; ++r) {
            int32_t factors;
            __builtin_memcpy(&factors, a + r * a_row + k, 4);
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) {
#ifdef __AVX512BF16__
                sum[r][v] = (Vec<float>)_mm512_dpbf16_ps((__m512)sum[r][v], (__m512bh)_mm512_set1_epi32(factors), (__m512bh)pair[v]);
#else
                float low, high;  // a bfloat16 is the upper half of a float32
                const int32_t low_bits = factors << 16, high_bits = factors & int32_t(0xffff0000);
                __builtin_memcpy(&low, &low_bits, 4);
                __builtin_memcpy(&high, &high_bits, 4);
                sum[r][v] += low * (Vec<float>)(pair[v] << 16);
                sum[r][v] += high * (Vec<float>)(pair[v] & int32_t(0xffff0000));
#endif
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) store<float>(c + r * c_row + v * WIDTH<float>, load<float>(start + r * start_row + v * WIDTH<float>) + sum[r][v]);
}

// C [rows, PANEL] = start + A [rows, K] B, K whole lines. Rows of A and C may be touched, though not needed, up to the next multiple of 16.
static void multiply_pairs(const PairProduct& p) {
    const float* start = p.start;
    for (int64_t r = 0; r < p.rows; r += TILE_ROWS) {
        const Half* a = p.a + r * p.a_row;
        const float* from = start + r * p.start_row;
        float* c = p.c + r * p.c_row;
        switch (p.rows - r) {
            case 1: pair_tile<1, PANEL_VECTORS<float>>(p.K, a, p.a_row, p.b, from, p.start_row, c, p.c_row); break;
            case 2: pair_tile<2, PANEL_VECTORS<float>>(p.K, a, p.a_row, p.b, from, p.start_row, c, p.c_row); break;
            case 3: pair_tile<3, PANEL_VECTORS<float>>(p.K, a, p.a_row, p.b, from, p.start_row, c, p.c_row); break;
            case 4: pair_tile<4, PANEL_VECTORS<float>>(p.K, a, p.a_row, p.b, from, p.start_row, c, p.c_row); break;
            case 5: pair_tile<5, PANEL_VECTORS<float>>(p.K, a, p.a_row, p.b, from, p.start_row, c, p.c_row); break;
            default: pair_tile<6, PANEL_VECTORS<float>>(p.K, a, p.a_row, p.b, from, p.start_row, c, p.c_row); break;
        }
    }
}
