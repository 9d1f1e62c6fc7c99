// Matrix products: one register tile, MR rows of A times a panel of B, accumulated in C. All that the engine multiplies goes through it.
#pragma once

// How many vectors wide and rows high a tile is: as many accumulators as the instruction set has registers for.
template <class Real> constexpr int PANEL_VECTORS = VECTOR_BYTES == 64 ? 4 : 2;
template <class Real> constexpr int PANEL = PANEL_VECTORS<Real> * WIDTH<Real>;
constexpr int TILE_ROWS = 6;

// C[r][0..NV*W) += sum over k of A[r][k] B[k][0..NV*W).
template <class Real, int MR, int NV>
INLINE void tile(int64_t K, const Real* __restrict a, int64_t a_row, int64_t a_k, const Real* __restrict b, int64_t b_k, Real* __restrict c, int64_t c_row) {
    Vec<Real> acc[MR][NV];
#pragma GCC unroll 8
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) acc[r][v] = load<Real>(c + r * c_row + v * WIDTH<Real>);
    for (int64_t k = 0; k < K; ++k) {
        Vec<Real> column[NV];
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) column[v] = load<Real>(b + k * b_k + v * WIDTH<Real>);
#pragma GCC unroll 8
        for (int r = 0; r < MR; ++r) {
            Vec<Real> factor = all<Real>(a[r * a_row + k * a_k]);
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) acc[r][v] += factor * column[v];
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) store<Real>(c + r * c_row + v * WIDTH<Real>, acc[r][v]);
}

template <class Real, int NV>
static void tile_rows(int rows, int64_t K, const Real* a, int64_t a_row, int64_t a_k, const Real* b, int64_t b_k, Real* c, int64_t c_row) {
    switch (rows) {
        case 1: return tile<Real, 1, NV>(K, a, a_row, a_k, b, b_k, c, c_row);
        case 2: return tile<Real, 2, NV>(K, a, a_row, a_k, b, b_k, c, c_row);
        case 3: return tile<Real, 3, NV>(K, a, a_row, a_k, b, b_k, c, c_row);
        case 4: return tile<Real, 4, NV>(K, a, a_row, a_k, b, b_k, c, c_row);
        case 5: return tile<Real, 5, NV>(K, a, a_row, a_k, b, b_k, c, c_row);
        default: return tile<Real, 6, NV>(K, a, a_row, a_k, b, b_k, c, c_row);
    }
}

// C [rows, 64] += A [rows, K] B, where B is `width` (at most PANEL) columns wide and holds whole vectors.
template <class Real>
static void multiply(int64_t rows, int width, int64_t K, const Real* a, int64_t a_row, int64_t a_k, const Real* b, int64_t b_k, Real* c, int64_t c_row) {
    int vectors = (width + WIDTH<Real> - 1) / WIDTH<Real>;
    for (int64_t r = 0; r < rows; r += TILE_ROWS) {
        int here = rows - r < TILE_ROWS ? int(rows - r) : TILE_ROWS;
        const Real* ar = a + r * a_row;
        Real* cr = c + r * c_row;
        switch (vectors) {
            case 1: tile_rows<Real, 1>(here, K, ar, a_row, a_k, b, b_k, cr, c_row); break;
            case 2: tile_rows<Real, 2>(here, K, ar, a_row, a_k, b, b_k, cr, c_row); break;
            case 3: tile_rows<Real, 3>(here, K, ar, a_row, a_k, b, b_k, cr, c_row); break;
            default: tile_rows<Real, 4>(here, K, ar, a_row, a_k, b, b_k, cr, c_row); break;
        }
    }
}
