// Matrix products: one register tile, some rows of A times a panel of B. All that the engine multiplies goes through it.
#pragma once

// How many vectors wide and rows high a tile is: as many accumulators as the instruction set has registers for.
#if VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr bool MANY_REGISTERS = true;  // 32
#else
constexpr bool MANY_REGISTERS = false;  // 16
#endif
template <class Real> constexpr int PANEL_VECTORS = MANY_REGISTERS ? 4 : 2;
template <class Real> constexpr int PANEL = PANEL_VECTORS<Real> * WIDTH<Real>;
constexpr int TILE_ROWS = 6;
// Cache lines of 64 bytes in a row of a panel.
template <class Real> constexpr int PANEL_LINES = PANEL<Real> * int(sizeof(Real)) / 64;

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

// One product of a sum of products, A [rows, depth] B: row k of B lies at b + k b_row.
template <class Real>
struct Term {
    int64_t depth;
    Operand<Real> a;
    const Real* b;
    int64_t b_row;
};

// C[r] = start[r] + the terms' A[r] B, all NV vectors wide, one behind the other in the same registers. The sum begins at zero: added to a
// large start one by one, small products would lose their last digits. AHEAD: lines from `ahead` on, one for each row of B, are called into the
// second-level cache, where the weights of the next panel are wanted soon.
template <class Real, int MR, int NV, bool AHEAD>
INLINE void tile(const Term<Real>* terms, int count, int64_t row, const char* ahead, const Real* start, int64_t start_row, Real* c, int64_t c_row) {
    Vec<Real> sum[MR][NV];
#pragma GCC unroll 8
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) sum[r][v] = Vec<Real>{};
    for (const Term<Real>* term = terms; term < terms + count; ++term) {
        const Operand<Real> a = term->a;
        const Real *panel = a.at + row * a.row, *b = term->b;
        for (int64_t K = term->depth; K > 0; K -= PANEL<Real>, panel += a.jump) {
            const Real* at = panel;
            for (int64_t k = K < PANEL<Real> ? K : PANEL<Real>; k > 0; --k, at += a.step, b += term->b_row) {
                if constexpr (AHEAD) {
                    __builtin_prefetch(ahead, 0, 2);
                    ahead += 64;
                }
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
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) store<Real>(c + r * c_row + v * WIDTH<Real>, load<Real>(start + r * start_row + v * WIDTH<Real>) + sum[r][v]);
}

template <class Real, int NV, bool AHEAD>
static void tile_rows(int rows, const Term<Real>* terms, int count, int64_t row, const char* ahead, const Real* start, int64_t start_row, Real* c, int64_t c_row) {
    switch (rows) {
        case 1: return tile<Real, 1, NV, AHEAD>(terms, count, row, ahead, start, start_row, c, c_row);
        case 2: return tile<Real, 2, NV, AHEAD>(terms, count, row, ahead, start, start_row, c, c_row);
        case 3: return tile<Real, 3, NV, AHEAD>(terms, count, row, ahead, start, start_row, c, c_row);
        case 4: return tile<Real, 4, NV, AHEAD>(terms, count, row, ahead, start, start_row, c, c_row);
        case 5: return tile<Real, 5, NV, AHEAD>(terms, count, row, ahead, start, start_row, c, c_row);
        default: return tile<Real, 6, NV, AHEAD>(terms, count, row, ahead, start, start_row, c, c_row);
    }
}

template <class Real, int NV>
static void multiply_columns(int64_t rows, const Term<Real>* terms, int count, const void* next, const Real* start, int64_t start_row, Real* c, int64_t c_row) {
    // Tiles of nearly equal height: a last one of two rows would wait for its loads.
    const unsigned tiles = (unsigned(rows) + TILE_ROWS - 1) / TILE_ROWS, height = unsigned(rows) / tiles, higher = unsigned(rows) % tiles;
    int64_t depth = 0, row = 0;
    for (int t = 0; t < count; ++t) depth += terms[t].depth;
    const char* ahead = static_cast<const char*>(next);
    for (unsigned tile = 0; tile < tiles; ++tile, ahead += depth * 64) {
        const int here = int(height + (tile < higher));
        const Real* from = start + row * start_row;
        if (NV == PANEL_VECTORS<Real> && next && tile < PANEL_LINES<Real>) tile_rows<Real, NV, NV == PANEL_VECTORS<Real>>(here, terms, count, row, ahead, from, start_row, c + row * c_row, c_row);
        else tile_rows<Real, NV, false>(here, terms, count, row, ahead, from, start_row, c + row * c_row, c_row);
        row += here;
    }
}

// C [rows, width] = start + the terms' A B, where each B is `width` (at most PANEL) columns wide and holds whole vectors, and `start` is C's
// own content, or something else, or one row for all (start_row = 0). `next`: the panel that is wanted next, if it won't be in cache.
template <class Real>
static void multiply(int64_t rows, int64_t width, const Term<Real>* terms, int count, const void* next, const Real* start, int64_t start_row, Real* c, int64_t c_row) {
    switch ((width + WIDTH<Real> - 1) / WIDTH<Real>) {
        case 1: return multiply_columns<Real, 1>(rows, terms, count, next, start, start_row, c, c_row);
        case 2: return multiply_columns<Real, 2>(rows, terms, count, next, start, start_row, c, c_row);
        case 3: return multiply_columns<Real, 3>(rows, terms, count, next, start, start_row, c, c_row);
        default: return multiply_columns<Real, 4>(rows, terms, count, next, start, start_row, c, c_row);
    }
}

// The same for products that come one by one, in few calls: a sum of more than these is made in pieces.
constexpr int MOST_TERMS = 8;

template <class Real>
struct SumOfProducts {
    int64_t rows, width;
    const void* next;
    const Real* start;
    int64_t start_row;
    Real* c;
    int64_t c_row;
    Term<Real> terms[MOST_TERMS];
    int count = 0;

    void add(const Term<Real>& term) {
        if (count == MOST_TERMS) {
            multiply<Real>(rows, width, terms, count, nullptr, start, start_row, c, c_row);
            start = c, start_row = c_row, count = 0;
        }
        terms[count++] = term;
    }
    void finish() const { multiply<Real>(rows, width, terms, count, next, start, start_row, c, c_row); }
};
