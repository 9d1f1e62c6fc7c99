// What going back works on: the steps in stretches of about STRETCH_ROWS rows, weights the way back needs them, and what the parts share.
#pragma once

constexpr int64_t STRETCH_ROWS = 1024;

// W [block * H + unit, columns] as panels of columns, in the order in which products read them: packed[column panel][block][unit][column in panel].
template <class Real>
static void pack_plain(const Layout<Real>& l, Real* packed, const Real* w, int blocks, int64_t columns, int member, int members) {
    constexpr int64_t P = PANEL<Real>;
    const int64_t panels = (columns + P - 1) / P;
    for (int64_t item = member; item < blocks * panels; item += members) {
        const int64_t j = item / blocks, block = item % blocks, width = columns - j * P < P ? columns - j * P : P;
        for (int64_t unit = 0; unit < l.H; ++unit) copy_row(packed + (item * l.H + unit) * P, w + (block * l.H + unit) * columns + j * P, width);
    }
}

static void pack_plain(const Layout<float>& l, Half* packed, const float* w, int blocks, int64_t columns, int member, int members) {
    constexpr int64_t P = PANEL<float>;
    alignas(64) float pair[2][P];
    const int64_t panels = (columns + P - 1) / P, lines = whole_lines(l.H);
    for (int64_t item = member; item < blocks * panels; item += members) {
        const int64_t j = item / blocks, block = item % blocks, width = columns - j * P < P ? columns - j * P : P;
        for (int64_t unit = 0; unit < lines; unit += 2) {
            for (int side = 0; side < 2; ++side) {
                if (unit + side < l.H) copy_row(pair[side], w + (block * l.H + unit + side) * columns + j * P, width);
                else fill(pair[side], 0.0f, P);
            }
            halve_pair(packed + (item * lines + unit) * P, pair[0], pair[1]);
        }
    }
}

// One matrix of a direction on the way back. With few rows, packing would take longer than the products, and whole vectors of the weights can
// be read as they lie.
template <class Real, class Factor>
struct PlainWeights {
    static constexpr int64_t P = PANEL<Real>;
    const Layout<Real>& l;
    const Factor* packed_weights;
    const Real* weights;
    int blocks;
    int64_t columns;

    static bool packed(const Layout<Real>& l, int64_t columns) { return sizeof(Factor) < sizeof(Real) || columns % WIDTH<Real> || l.s.rows >= 256; }
    int64_t depth() const { return sizeof(Factor) < sizeof(Real) ? whole_lines(l.H) : l.H; }
    const Factor* panel(int64_t j, int block) const { return packed_weights + (j * blocks + block) * depth() * P; }

    // δ of a block times these weights, for panel j of the columns. `deltas`: the block's δ in panels.
    Term<Real> term(int64_t j, int block, const Real* deltas, int64_t jump) const {
        const Operand<Real> a = Operand<Real>::panels(deltas, jump);
        if (packed(l, columns)) return {l.H, a, reinterpret_cast<const Real*>(panel(j, block)), P};
        return {l.H, a, weights + block * l.H * columns + j * P, columns};
    }
    // The panel after this one, or the first again, where all are more than stay in cache.
    const void* after(int64_t j) const {
        const int64_t panels = (columns + P - 1) / P;
        if (!packed(l, columns) || panels * blocks * depth() * P * int64_t(sizeof(Factor)) <= KEPT_BYTES) return nullptr;
        return panel(j + 1 < panels ? j + 1 : 0, 0);
    }
};

// Which steps are taken together, and where a part's rows lie among those of a stretch.
struct Stretches {
    int count = 0;
    int64_t most_rows = 0;
    int* first;        // [count + 1] steps
    int64_t* offset;   // [part][T]: within its stretch
    int64_t* row_of;   // [N]: for each place of a stretch, counted from the stretch's first row, the row of x and y that is there

    template <class Real>
    Stretches(const Layout<Real>& l, Arena& arena) {
        const Shape& s = l.s;
        first = arena.take<int>(s.steps + 1);
        offset = arena.take<int64_t>(s.parts * s.steps);
        row_of = arena.take<int64_t>(s.rows);
        for (int t = 0; t < s.steps; ++count) {
            const int begin = t;
            int64_t rows = 0;
            while (t < s.steps && (t == begin || rows + s.batch_sizes[t] <= STRETCH_ROWS)) rows += s.batch_sizes[t++];
            most_rows = rows > most_rows ? rows : most_rows;
            if (!arena.base) continue;
            first[count] = begin;
            first[count + 1] = t;
            int64_t next = 0;
            for (int part = 0; part < s.parts; ++part)
                for (int step = begin; step < t; ++step) {
                    offset[part * s.steps + step] = next;
                    for (int64_t r = 0; r < l.rows(step, part); ++r) row_of[s.starts[begin] + next++] = l.row(step, part, r);
                }
        }
    }
    int64_t start(const Shape& s, int stretch) const { return s.starts[first[stretch]]; }
    int64_t rows(const Shape& s, int stretch) const { return (first[stretch + 1] < s.steps ? s.starts[first[stretch + 1]] : s.rows) - start(s, stretch); }
};

// What the parts of one direction share.
template <class Real, class Factor>
struct Shared {
    static constexpr int64_t P = PANEL<Real>;
    static constexpr bool half = sizeof(Factor) < sizeof(Real);
    int64_t rows;       // places for one stretch
    Factor *packed_x, *packed_h;
    Real* deltas;       // [column][unit panel][place][unit in panel]
    Real* old_output;   // [unit panel][place][unit in panel]: the output that each row started from
    Real* inputs;       // [input panel][place][input in panel]
    Real* squares;      // the weight gradients, PANEL x PANEL for each pair of panels
    Real* bias;         // [column][padded]
    Real* vectors;      // [part][vector][padded]

    // For bfloat16 products, the same again as their operands.
    Factor* half_deltas = nullptr;  // [column][place][padded]
    Factor* half_turned = nullptr;  // [column][padded][place]
    Factor* half_values = nullptr;  // [input panels, then unit panels][pair of places][number in panel][2]

    Shared(const Layout<Real>& l, int64_t most_rows, Arena& arena) : rows(most_rows) {
        const int64_t depth = half ? whole_lines(l.H) : l.H;
        packed_x = arena.take<Factor>(l.x_blocks * l.input_panels * depth * P);
        packed_h = arena.take<Factor>(l.h_blocks * l.padded * depth);
        if (half) {
            half_deltas = arena.take<Factor>((l.s.columns * rows + 64) * half_line(l));
            half_turned = arena.take<Factor>(l.s.columns * l.padded * whole_lines(rows));
            half_values = arena.take<Factor>((l.input_panels + l.unit_panels) * whole_lines(rows) * P);
        }
        deltas = arena.take<Real>(l.s.columns * l.padded * rows);
        old_output = arena.take<Real>(l.padded * rows);
        inputs = arena.take<Real>((l.x_blocks ? l.input_panels : 0) * rows * P);
        squares = arena.take<Real>((l.x_blocks * l.input_panels + l.h_blocks * l.unit_panels) * l.padded * P);
        bias = arena.take<Real>(l.s.columns * l.padded);
        vectors = arena.take<Real>(l.s.parts * l.s.vectors * l.padded);
    }
    static int64_t half_line(const Layout<Real>& l) { return whole_lines(l.padded); }
    Factor* half_delta(const Layout<Real>& l, int column, int64_t place) const { return half_deltas + (column * rows + place) * half_line(l); }
    Real* delta(const Layout<Real>& l, int column, int64_t u, int64_t place) const { return deltas + ((column * l.unit_panels + u) * rows + place) * P; }
};
