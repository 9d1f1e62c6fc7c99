// Matrix products: one register tile, some rows of A times a panel of B. All that the engine multiplies goes through it.
#pragma once

// How many vectors wide and rows high a tile is: as many accumulators as the instruction set has registers for.
template <class Real> constexpr int PANEL_VECTORS = VECTOR_BYTES == 64 ? 4 : 2;
template <class Real> constexpr int PANEL = PANEL_VECTORS<Real> * WIDTH<Real>;
constexpr int TILE_ROWS = 6;
// How many rows of B are used at a time: a stretch of a panel that stays in the first-level cache while all rows of A pass.
constexpr int64_t DEPTH = 128;

// The left operand: element k of row r lies at r * row + (k / PANEL) * jump + (k % PANEL) * step. So it may be plain rows, or panels, or
// panels read the other way.
template <class Real>
struct Operand {
    const Real* at;
    int64_t row, step, jump;

    static Operand rows(const Real* at, int64_t row) { return {at, row, 1, PANEL<Real>}; }
    static Operand panels(const Real* at, int64_t jump) { return {at, PANEL<Real>, 1, jump}; }
    static Operand transposed(const Real* at) { return {at, 1, PANEL<Real>, PANEL<Real> * PANEL<Real>}; }
};

// C[r] = start[r] + sum over k of A[r][k] B[k], all NV vectors wide. The sum begins at zero: added to a large start one by one, small products
// would lose their last digits.
template <class Real, int MR, int NV>
INLINE void tile(int64_t K, Operand<Real> a, const Real* __restrict b, int64_t b_k, const Real* start, int64_t start_row, Real* c, int64_t c_row) {
    Vec<Real> sum[MR][NV];
#pragma GCC unroll 8
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) sum[r][v] = Vec<Real>{};
    for (; K > 0; K -= PANEL<Real>, a.at += a.jump) {
        const Real* at = a.at;
        for (int64_t k = K < PANEL<Real> ? K : PANEL<Real>; k > 0; --k, at += a.step, b += b_k) {
            Vec<Real> column[NV];
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) column[v] = load<Real>(b + v * WIDTH<Real>);
#pragma GCC unroll 8
            for (int r = 0; r < MR; ++r) {
                Vec<Real> factor = all<Real>(at[r * a.row]);
#pragma GCC unroll 8
                for (int v = 0; v < NV; ++v) sum[r][v] += factor * column[v];
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) store<Real>(c + r * c_row + v * WIDTH<Real>, load<Real>(start + r * start_row + v * WIDTH<Real>) + sum[r][v]);
}

template <class Real, int NV>
static void tile_rows(int rows, int64_t K, Operand<Real> a, const Real* b, int64_t b_k, const Real* start, int64_t start_row, Real* c, int64_t c_row) {
    switch (rows) {
        case 1: return tile<Real, 1, NV>(K, a, b, b_k, start, start_row, c, c_row);
        case 2: return tile<Real, 2, NV>(K, a, b, b_k, start, start_row, c, c_row);
        case 3: return tile<Real, 3, NV>(K, a, b, b_k, start, start_row, c, c_row);
        case 4: return tile<Real, 4, NV>(K, a, b, b_k, start, start_row, c, c_row);
        case 5: return tile<Real, 5, NV>(K, a, b, b_k, start, start_row, c, c_row);
        default: return tile<Real, 6, NV>(K, a, b, b_k, start, start_row, c, c_row);
    }
}

template <class Real, int NV>
static void multiply_columns(int64_t rows, int64_t K, Operand<Real> a, const Real* b, int64_t b_k, const Real* start, int64_t start_row, Real* c, int64_t c_row) {
    // Tiles of nearly equal height: a last one of two rows would wait for its loads.
    const unsigned tiles = (unsigned(rows) + TILE_ROWS - 1) / TILE_ROWS, height = unsigned(rows) / tiles, higher = unsigned(rows) % tiles;
    for (int64_t k = 0; k < K || k == 0; k += DEPTH) {
        const int64_t depth = K - k < DEPTH ? K - k : DEPTH;
        Operand<Real> here = a;
        here.at += k / PANEL<Real> * a.jump;
        int64_t r = 0;
        for (unsigned tile = 0; tile < tiles; ++tile) {
            const int64_t here_rows = height + (tile < higher);
            Operand<Real> part = here;
            part.at += r * a.row;
            tile_rows<Real, NV>(int(here_rows), depth, part, b + k * b_k, b_k, start + r * start_row, start_row, c + r * c_row, c_row);
            r += here_rows;
        }
        start = c;
        start_row = c_row;
    }
}

// C [rows, width] = start + A [rows, K] B, where B is `width` (at most PANEL) columns wide and holds whole vectors, and `start` is C's own
// content, or something else, or one row for all (start_row = 0).
template <class Real>
static void multiply(int64_t rows, int64_t width, int64_t K, Operand<Real> a, const Real* b, int64_t b_k, const Real* start, int64_t start_row, Real* c, int64_t c_row) {
    switch ((width + WIDTH<Real> - 1) / WIDTH<Real>) {
        case 1: return multiply_columns<Real, 1>(rows, K, a, b, b_k, start, start_row, c, c_row);
        case 2: return multiply_columns<Real, 2>(rows, K, a, b, b_k, start, start_row, c, c_row);
        case 3: return multiply_columns<Real, 3>(rows, K, a, b, b_k, start, start_row, c, c_row);
        default: return multiply_columns<Real, 4>(rows, K, a, b, b_k, start, start_row, c, c_row);
    }
}
