// What going back works on: the steps in stretches of at most STRETCH_ROWS rows of a part (or a single step), weights the way back needs
// them, and where the parts keep what they sum.
#pragma once

constexpr int64_t STRETCH_ROWS = 512;

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

// Which steps are taken together, and where a part's rows lie: in places that are its own through all stretches, as no part waits for
// another, and that begin with a whole line of bfloat16.
struct Stretches {
    int count = 0, steps;
    int64_t most_rows = 0;  // places for a stretch of all parts
    int* first;             // [count + 1] steps
    int64_t* offset;        // [part][T]: the place of a step's first row
    int64_t* row_of;        // [count][most_rows]: the row of x and y that is at a place

    template <class Real>
    Stretches(const Layout<Real>& l, Arena& arena) : steps(l.s.steps) {
        first = arena.take<int>(steps + 1);
        offset = arena.take<int64_t>(l.s.parts * steps);
        int64_t each = 0;
        for (int t = 0; t < steps; ++count) {
            const int begin = t;
            int64_t rows = 0;
            while (t < steps && (t == begin || rows + l.rows(t, 0) <= STRETCH_ROWS)) rows += l.rows(t++, 0);  // no part has more
            each = whole_lines(rows) > each ? whole_lines(rows) : each;
            if (arena.base) first[count] = begin, first[count + 1] = t;
        }
        most_rows = l.s.parts * each;
        row_of = arena.take<int64_t>(count * most_rows);
        for (int number = 0; arena.base && number < count; ++number)
            for (int part = 0; part < l.s.parts; ++part) {
                int64_t place = part * each;
                for (int t = first[number]; t < first[number + 1]; ++t) {
                    offset[part * steps + t] = place;
                    for (int64_t r = 0; r < l.rows(t, part); ++r) row_of[number * most_rows + place++] = l.row(t, part, r);
                }
            }
    }
    const int64_t* rows_of(int number) const { return row_of + number * most_rows; }
    // A part's rows of a stretch: the first one's place, and how many there are.
    int64_t place(int number, int part) const { return offset[part * steps + first[number]]; }
    template <class Real>
    int64_t rows(const Layout<Real>& l, int number, int part) const {
        const int last = first[number + 1] - 1;
        return offset[part * steps + last] + l.rows(last, part) - place(number, part);
    }
};

// What the parts of one direction work on: each in places of its own, and on sums of its own, so that no core waits for another, or for
// what lies in another's cache.
template <class Real, class Factor>
struct Shared {
    static constexpr int64_t P = PANEL<Real>;
    static constexpr bool half = sizeof(Factor) < sizeof(Real);
    int64_t rows;       // places for one stretch
    Factor *packed_x, *packed_h;
    Real* deltas;       // [column][unit panel][place][unit in panel]
    Real* old_output;   // [unit panel][place][unit in panel]: the output that each row started from
    Real* inputs;       // [input panel][place][input in panel]
    Real* squares;      // [part]: the weight gradients, PANEL x PANEL for each pair of panels
    Real* bias;         // [part][column][padded]
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
        squares = arena.take<Real>(l.s.parts * pairs(l) * P * P);
        bias = arena.take<Real>(l.s.parts * l.s.columns * l.padded);
        vectors = arena.take<Real>(l.s.parts * l.s.vectors * l.padded);
    }
    // Of panels: units of a column, and what they are multiplied with.
    static int64_t pairs(const Layout<Real>& l) { return (l.x_blocks * l.input_panels + l.h_blocks * l.unit_panels) * l.unit_panels; }
    static int64_t half_line(const Layout<Real>& l) { return whole_lines(l.padded); }
    Factor* half_delta(const Layout<Real>& l, int column, int64_t place) const { return half_deltas + (column * rows + place) * half_line(l); }
    Real* delta(const Layout<Real>& l, int column, int64_t u, int64_t place) const { return deltas + ((column * l.unit_panels + u) * rows + place) * P; }
};
