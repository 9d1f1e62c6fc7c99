// Backpropagation through time: the steps in stretches that stay in cache. For each stretch, every part goes back through its own sequences
// and leaves the gradients of the pre-activations, δ; then the team sums δ vᵀ over all rows for the weights, and multiplies δ W for the inputs.
#pragma once

constexpr int64_t STRETCH_ROWS = 1024;

// W [block * H + unit, columns] as panels of columns: packed[block][column panel][unit][column in panel].
template <class Real>
static void pack_plain(const Layout<Real>& l, Real* packed, const Real* w, int blocks, int64_t columns, int member, int members) {
    constexpr int64_t P = PANEL<Real>;
    const int64_t panels = (columns + P - 1) / P;
    for (int64_t item = member; item < blocks * panels; item += members) {
        const int64_t block = item / panels, j = item % panels, width = columns - j * P < P ? columns - j * P : P;
        for (int64_t unit = 0; unit < l.H; ++unit) copy_row(packed + (item * l.H + unit) * P, w + (block * l.H + unit) * columns + j * P, width);
    }
}

static void pack_plain(const Layout<float>& l, Half* packed, const float* w, int blocks, int64_t columns, int member, int members) {
    constexpr int64_t P = PANEL<float>;
    alignas(64) float pair[2][P];
    const int64_t panels = (columns + P - 1) / P, lines = whole_lines(l.H);
    for (int64_t item = member; item < blocks * panels; item += members) {
        const int64_t block = item / panels, j = item % panels, width = columns - j * P < P ? columns - j * P : P;
        for (int64_t unit = 0; unit < lines; unit += 2) {
            for (int side = 0; side < 2; ++side) {
                if (unit + side < l.H) copy_row(pair[side], w + (block * l.H + unit + side) * columns + j * P, width);
                else fill(pair[side], 0.0f, P);
            }
            halve_pair(packed + (item * lines + unit) * P, pair[0], pair[1]);
        }
    }
}

// With few rows, packing would take longer than the products, and whole vectors of the weights can be read as they lie.
template <class Real, class Factor>
struct PlainWeights {
    const Factor* at;
    int64_t row;  // between units

    static bool packed(const Layout<Real>& l, int64_t columns) { return sizeof(Factor) < sizeof(Real) || columns % WIDTH<Real> || l.s.rows >= 256; }
    PlainWeights(const Layout<Real>& l, const Factor* packed_weights, const void* weights, int block, int64_t j, int64_t columns) {
        constexpr int64_t P = PANEL<Real>;
        const bool is_packed = packed(l, columns);
        at = is_packed ? packed_weights + (block * ((columns + P - 1) / P) + j) * l.H * P : static_cast<const Factor*>(weights) + block * l.H * columns + j * P;
        row = is_packed ? P : columns;
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

template <class Real, class Factor>
struct BackwardPart {
    using Shares = Shared<Real, Factor>;
    static constexpr int64_t P = PANEL<Real>;
    const Backward* b;
    const Layout<Real>* layout;
    const Shares* shared;
    const int64_t* position;
    int direction, part;
    bool reverse;
    Real **block, **home;  // the program's registers, and where they lie when they are not pointed elsewhere
    Real* now[64];         // the gradient of each state after the step, in panels, and where the step puts the one before it
    Real* next[64];
    Real* vectors;
    Real* product;         // [rows of whole matrix tiles][PANEL], for bfloat16

    BackwardPart(const Backward& call, const Layout<Real>& l, const Shares& shares, const int64_t* positions, int d, int p, Arena& arena)
        : b(&call), layout(&l), shared(&shares), position(positions), direction(d), part(p), reverse(d == 1) {
        const Shape& s = l.s;
        block = make_registers<Real>(call.program, l.most_rows, arena);
        home = arena.take<Real*>(call.program.registers);
        for (int k = 0; k < s.states; ++k) now[k] = arena.take<Real>(l.most_rows * l.padded), next[k] = arena.take<Real>(l.most_rows * l.padded);
        vectors = arena.take<Real>(s.vectors * l.most_rows * l.padded);
        product = arena.take<Real>(Shares::half ? (l.most_rows + 15) / 16 * 16 * P : 0);
        if (arena.base) start();
    }

    void start() {
        const Layout<Real>& l = *layout;
        const Shape& s = l.s;
        copy(home, block, b->program.registers);
        for (int k = 0; k < s.states; ++k) {
            fill(now[k], Real(0), l.most_rows * l.padded);
            for (int64_t u = 0; u < l.unit_panels && b->grad_last[k]; ++u)
                for (int64_t r = 0; r < l.most_rows && part + r * s.parts < s.batch; ++r)
                    copy(now[k] + (u * l.most_rows + r) * P, l.state_row(b->grad_last[k], direction, part + r * s.parts) + u * P, l.unit_width(u));
            copy(next[k], now[k], l.most_rows * l.padded);  // a sequence may end at any step
        }
        const Real* from = static_cast<const Real*>(b->weights[direction].vectors);
        for (int64_t v = 0; v < s.vectors; ++v)
            for (int64_t u = 0; u < l.unit_panels; ++u)
                for (int64_t r = 0; r < l.most_rows; ++r) copy_row(vectors + ((v * l.unit_panels + u) * l.most_rows + r) * P, from + v * l.H + u * P, l.unit_width(u));
        fill(shared->vectors + part * s.vectors * l.padded, Real(0), s.vectors * l.padded);
    }

    void stretch(const Stretches& stretches, int number) {
        const Layout<Real>& l = *layout;
        const int begin = stretches.first[number], end = stretches.first[number + 1];
        for (int at = begin, t = reverse ? begin : end - 1; at < end; ++at, t = l.before(t, reverse)) {
            const int64_t n = l.rows(t, part), place = stretches.offset[part * l.s.steps + t];
            if (n == 0) continue;
            remember(t, n, place);
            if (b->grad_y) add_output_gradient(t, n);
            for (int64_t u = 0; u < l.unit_panels; ++u) step(t, n, u, place);
            for (int c = 0; c < l.s.columns; ++c)
                for (int64_t j = 0; l.s.h_block[c] >= 0 && j < l.unit_panels; ++j) send_back(c, j, n, place);
            for (int k = 0; k < l.s.states; ++k) {
                Real* swapped = now[k];
                now[k] = next[k];
                next[k] = swapped;
            }
            finish(l.rows(l.before(t, reverse), part), n);
        }
    }

    // What a recurrent product sends back to the old output.
    void send_back(int c, int64_t j, int64_t n, int64_t place) const {
        const Layout<Real>& l = *layout;
        Real* to = next[0] + j * l.most_rows * P;
        if constexpr (Shares::half) {
            static const float zeros[PANEL<float>] = {};
            const int64_t lines = whole_lines(l.H), panel = l.s.h_block[c] * l.unit_panels + j;
            l.s.multiply_pairs({n, lines, shared->half_delta(l, c, place), Shares::half_line(l), shared->packed_h + panel * lines * P, zeros, 0, product, P});
            for (int64_t i = 0; i < n * P; ++i) to[i] += product[i];
        } else {
            const PlainWeights<Real, Factor> w(l, shared->packed_h, b->weights[direction].hh, l.s.h_block[c], j, l.H);
            multiply<Real>(n, l.unit_width(j), l.H, Operand<Real>::panels(shared->delta(l, c, 0, place), shared->rows * P), w.at, w.row, to, P, to, P);
        }
    }

    // Sequences that began at this step.
    void finish(int64_t from, int64_t to) const {
        const Layout<Real>& l = *layout;
        for (int k = 0; k < l.s.states; ++k)
            for (int64_t r = from; r < to; ++r)
                for (int64_t u = 0; u < l.unit_panels; ++u)
                    copy(const_cast<Real*>(l.state_row(b->grad_initial[k], direction, part + r * l.s.parts)) + u * P, now[k] + (u * l.most_rows + r) * P, l.unit_width(u));
    }

    const Real* output_row(int t, int64_t r) const { return static_cast<const Real*>(b->y) + layout->row(t, part, r) * b->y_stride + direction * layout->H; }

    // What the sums over rows need of this step: the inputs and the outputs that it started from, in panels.
    void remember(int t, int64_t n, int64_t place) const {
        const Layout<Real>& l = *layout;
        const int64_t continued = l.rows(l.before(t, reverse), part);
        for (int64_t r = 0; r < n; ++r) {
            const Real* old = r < continued ? output_row(l.before(t, reverse), r) : l.state_row(b->initial[0], direction, part + r * l.s.parts);
            for (int64_t u = 0; u < l.unit_panels; ++u) copy_row(shared->old_output + (u * shared->rows + place + r) * P, old + u * P, l.unit_width(u));
            const Real* x = static_cast<const Real*>(b->x) + l.row(t, part, r) * b->x_stride;
            for (int64_t j = 0; b->gradients[direction].ih && !b->tokens && j < l.input_panels; ++j)
                copy_row(shared->inputs + (j * shared->rows + place + r) * P, x + j * P, l.input_width(j));
        }
    }

    void add_output_gradient(int t, int64_t n) const {
        const Layout<Real>& l = *layout;
        for (int64_t r = 0; r < n; ++r) {
            const Real* from = static_cast<const Real*>(b->grad_y) + l.row(t, part, r) * b->grad_stride + direction * l.H;
            for (int64_t u = 0; u < l.unit_panels; ++u)
                for (int64_t i = 0; i < l.unit_width(u); ++i) now[0][(u * l.most_rows + r) * P + i] += from[u * P + i];
        }
    }

    Real* find_input(const Slot& slot, int t, int64_t n, int64_t u, int64_t place) const {
        const Layout<Real>& l = *layout;
        Real* own = home[slot.place];
        switch (slot.kind) {
            case Kind::saved: return l.record(b->records, direction, slot.index, u, position[part * l.s.steps + t]);
            case Kind::gradient: return now[slot.index] + u * l.most_rows * P;
            case Kind::vector: return vectors + (slot.index * l.unit_panels + u) * l.most_rows * P;
            case Kind::state_new:
                if (slot.index > 0) return l.record(b->records, direction, l.s.history[slot.index], u, position[part * l.s.steps + t]);
                for (int64_t r = 0; r < n; ++r) copy_row(own + r * P, output_row(t, r) + u * P, l.unit_width(u));
                return own;
            default: break;
        }
        if (slot.index == 0) return shared->old_output + (u * shared->rows + place) * P;
        const int t0 = l.before(t, reverse);
        const int64_t continued = l.rows(t0, part);
        Real* old = continued ? l.record(b->records, direction, l.s.history[slot.index], u, position[part * l.s.steps + t0]) : nullptr;
        if (n <= continued) return old;
        if (continued) copy(own, old, continued * P);
        for (int64_t r = continued; r < n; ++r) copy_row(own + r * P, l.state_row(b->initial[slot.index], direction, part + r * l.s.parts) + u * P, l.unit_width(u));
        return own;
    }

    void step(int t, int64_t n, int64_t u, int64_t place) {
        const Layout<Real>& l = *layout;
        const Program& program = b->program;
        auto target = [&](const Slot& slot) { return slot.kind == Kind::column ? shared->delta(l, slot.index, u, place) : next[slot.index] + u * l.most_rows * P; };
        for (int o = 0; o < program.output_count; ++o) {
            const Slot& slot = program.outputs[o];
            if (slot.kind != Kind::vector && slot.place >= program.input_count) block[slot.place] = target(slot);
        }
        for (int i = 0; i < program.input_count; ++i) block[program.inputs[i].place] = find_input(program.inputs[i], t, n, u, place);
        run_program<Real>(program, block, n * P);
        for (int o = 0; o < program.output_count; ++o) {
            const Slot& slot = program.outputs[o];
            const Real* from = block[slot.place];
            const int64_t row = slot.place < 0 ? 0 : P;  // a constant is the same in every row
            if (slot.kind == Kind::vector) {
                Real* sum = shared->vectors + (part * l.s.vectors + slot.index) * l.padded + u * P;
                for (int64_t r = 0; r < n; ++r)
                    for (int64_t i = 0; i < l.unit_width(u); ++i) sum[i] += from[r * row + i];
            } else if (Real* to = target(slot); from != to) {
                for (int64_t r = 0; r < n; ++r) copy(to + r * P, from + r * row, P);
            }
            if constexpr (Shares::half)
                if (slot.kind == Kind::column)
                    for (int64_t r = 0; r < n; ++r) {
                        Half* to = shared->half_delta(l, slot.index, place + r) + u * P;
                        halve(to, shared->delta(l, slot.index, u, place + r), P);
                        // Zeros behind the last unit, to the end of the line.
                        if (u + 1 == l.unit_panels) fill(to + l.unit_width(u), Half(0), Shares::half_line(l) - u * P - l.unit_width(u));
                    }
        }
    }
};

// What a team does with the δ of a stretch of one direction.
template <class Real, class Factor>
struct Sums {
    static constexpr int64_t P = PANEL<Real>;
    const Backward& b;
    const Layout<Real>& l;
    const Shared<Real, Factor>& shared;
    const int direction;

    struct Pair {  // a panel of units of a column, and a panel of what it is multiplied with
        bool input;
        int column;
        int64_t u, panel, width;
    };

    int64_t pairs() const { return (l.x_blocks * l.input_panels + l.h_blocks * l.unit_panels) * l.unit_panels; }

    Pair find(int64_t pair) const {
        for (int c = 0; c < l.s.columns; ++c)
            for (int side = 0; side < 2; ++side) {
                if ((side ? l.s.h_block[c] : l.s.x_block[c]) < 0) continue;
                const int64_t panels = side ? l.unit_panels : l.input_panels, here = panels * l.unit_panels;
                if (pair < here) {
                    const int64_t panel = pair % panels;
                    return {side == 0, c, pair / panels, panel, side ? l.unit_width(panel) : l.input_width(panel)};
                }
                pair -= here;
            }
        return {};
    }

    // Where a pair of panels belongs in the gradient, and whether whole vectors fit there.
    Real* gradient_of(const Pair& p) const {
        const int64_t line = p.input ? l.I : l.H, block = p.input ? l.s.x_block[p.column] : l.s.h_block[p.column];
        return static_cast<Real*>(p.input ? b.gradients[direction].ih : b.gradients[direction].hh) + (block * l.H + p.u * P) * line + p.panel * P;
    }
    bool lies_in_place(const Pair& p) const { return !Shared<Real, Factor>::half && p.width % WIDTH<Real> == 0; }

    // The operands of the sums as bfloat16, in pairs of rows; rows beyond the last are zero.
    void halve_rows(int64_t rows, int member, int members) const {
        static const float zeros[PANEL<float>] = {};
        const int64_t lines = whole_lines(rows), line = whole_lines(shared.rows), columns = l.s.columns * l.unit_panels, values = l.input_panels + l.unit_panels;
        for (int64_t item = member; item < columns + values; item += members) {
            const bool delta = item < columns;
            const int64_t value = item - columns;
            const float* from = delta ? shared.deltas + item * shared.rows * P
                                      : value < l.input_panels ? shared.inputs + value * shared.rows * P : shared.old_output + (value - l.input_panels) * shared.rows * P;
            if (!delta && value < l.input_panels && !b.gradients[direction].ih) continue;
            for (int64_t row = 0; row < lines; row += 2) {
                Half pair[2 * P], *to = delta ? pair : shared.half_values + (value * line + row) * P;
                halve_pair(to, row < rows ? from + row * P : zeros, row + 1 < rows ? from + (row + 1) * P : zeros);
                for (int64_t i = 0; delta && i < P; ++i) __builtin_memcpy(shared.half_turned + (item * P + i) * line + row, pair + 2 * i, 4);
            }
        }
    }

    // ∂L/∂W = sum over rows of δ vᵀ, for a share of the pairs of panels.
    void weights(int64_t rows, bool first, int member, int members) const {
        static const Real zeros[PANEL<Real>] = {};
        const int64_t begin = pairs() * member / members, end = pairs() * (member + 1) / members, some = 256;
        for (int64_t row = 0; row < rows; row += some)
            for (int64_t pair = begin; pair < end; ++pair) {
                const Pair p = find(pair);
                if (!(p.input ? b.gradients[direction].ih : b.gradients[direction].hh)) continue;
                const Real* v = (p.input ? shared.inputs : shared.old_output) + (p.panel * shared.rows + row) * P;
                Real* square = shared.squares + pair * P * P;
                const bool fresh = first && row == 0;
                const int64_t line = p.input ? l.I : l.H;
                const bool in_place = lies_in_place(p);  // no need for a square of its own
                Real* to = in_place ? gradient_of(p) : square;
                const int64_t to_row = in_place ? line : P;
                if constexpr (Shared<Real, Factor>::half) {
                    const int64_t line = whole_lines(shared.rows), n = rows - row < some ? rows - row : some;
                    l.s.multiply_pairs({P, whole_lines(n), shared.half_turned + (p.column * l.unit_panels + p.u) * P * line + row, line,
                                        shared.half_values + ((p.input ? 0 : l.input_panels) + p.panel) * line * P + row * P, fresh ? zeros : square, fresh ? 0 : P, square, P});
                } else {
                    multiply<Real>(l.unit_width(p.u), p.width, rows - row < some ? rows - row : some, Operand<Real>::transposed(shared.delta(l, p.column, p.u, row)),
                                   v, P, fresh ? zeros : to, fresh ? 0 : to_row, to, to_row);
                }
            }
        for (int64_t item = member; item < l.s.columns * l.unit_panels; item += members) {
            Real* sum = shared.bias + item * P;
            if (first) fill(sum, Real(0), P);
            const Real* delta = shared.deltas + item * shared.rows * P;
            for (int64_t row = 0; row < rows; row += 32) {  // sums of sums: the error of a long one would grow with its length
                Real part[P] = {};
                for (int64_t r = row; r < (row + 32 < rows ? row + 32 : rows); ++r)
                    for (int64_t i = 0; i < P; ++i) part[i] += delta[r * P + i];
                for (int64_t i = 0; i < P; ++i) sum[i] += part[i];
            }
        }
    }

    // ∂L/∂x = δ W for a share of the rows, in blocks of places.
    void inputs(const int64_t* row_of, int64_t rows, int member, int members) const {
        constexpr int64_t most = 48;
        alignas(64) Real sums[most * P];
        static const Real zeros[PANEL<Real>] = {};
        const int64_t end = rows * (member + 1) / members;
        for (int64_t row = rows * member / members; row < end; row += most) {
            const int64_t n = end - row < most ? end - row : most;
            for (int64_t j = 0; j < l.input_panels; ++j) {
                bool fresh = true;
                for (int c = 0; c < l.s.columns; ++c) {
                    if (l.s.x_block[c] < 0) continue;
                    if constexpr (Shared<Real, Factor>::half) {
                        const int64_t lines = whole_lines(l.H);
                        l.s.multiply_pairs({n, lines, shared.half_delta(l, c, row), shared.half_line(l), shared.packed_x + (l.s.x_block[c] * l.input_panels + j) * lines * P,
                                            fresh ? zeros : sums, fresh ? 0 : P, sums, P});
                    } else {
                        const PlainWeights<Real, Factor> w(l, shared.packed_x, b.weights[direction].ih, l.s.x_block[c], j, l.I);
                        multiply<Real>(n, l.input_width(j), l.H, Operand<Real>::panels(shared.delta(l, c, 0, row), shared.rows * P), w.at, w.row, fresh ? zeros : sums,
                                       fresh ? 0 : P, sums, P);
                    }
                    fresh = false;
                }
                for (int64_t r = 0; r < n; ++r) {
                    Real* to = static_cast<Real*>(b.dx) + row_of[row + r] * b.dx_stride + j * P;
                    for (int64_t i = 0; i < l.input_width(j); ++i) to[i] = fresh ? Real(0) : (l.s.directions == 2 ? to[i] : Real(0)) + sums[r * P + i];
                }
            }
        }
    }

    // ∂L/∂table: each row's δ added to the table's row of its token. Members share the columns, so that no two add to the same number.
    void table(const int64_t* row_of, int64_t rows, int member, int members) const {
        for (int64_t item = member; item < l.s.columns * l.unit_panels; item += members) {
            const int64_t c = item / l.unit_panels, u = item % l.unit_panels, width = l.unit_width(u);
            if (l.s.x_block[c] < 0) continue;
            Real* to = static_cast<Real*>(b.dx) + (direction * l.x_blocks + l.s.x_block[c]) * l.H + u * P;
            for (int64_t row = 0; row < rows; ++row) {
                Real* sum = to + b.tokens[row_of[row]] * b.dx_stride;
                const Real* delta = shared.delta(l, int(c), u, row);
                for (int64_t i = 0; i < width; ++i) sum[i] += delta[i];
            }
        }
    }

    void finish(int member, int members) const {
        const Gradients& g = b.gradients[direction];
        for (int64_t pair = member; pair < pairs(); pair += members) {
            const Pair p = find(pair);
            if (!(p.input ? g.ih : g.hh) || lies_in_place(p)) continue;
            for (int64_t unit = 0; unit < l.unit_width(p.u); ++unit) copy(gradient_of(p) + unit * (p.input ? l.I : l.H), shared.squares + (pair * P + unit) * P, p.width);
        }
        if (member) return;
        for (int c = 0; c < l.s.columns; ++c) {
            if (g.bias_ih && l.s.x_block[c] >= 0) copy(static_cast<Real*>(g.bias_ih) + l.s.x_block[c] * l.H, shared.bias + c * l.padded, l.H);
            if (g.bias_hh && l.s.h_block[c] >= 0) copy(static_cast<Real*>(g.bias_hh) + l.s.h_block[c] * l.H, shared.bias + c * l.padded, l.H);
        }
        for (int64_t i = 0; g.vectors && i < l.s.vectors * l.H; ++i) {
            Real sum = 0;
            for (int part = 0; part < l.s.parts; ++part) sum += shared.vectors[(part * l.s.vectors + i / l.H) * l.padded + i % l.H];
            static_cast<Real*>(g.vectors)[i] = sum;
        }
    }
};

template <class Real, class Factor>
struct BackwardPlan {  // the workspace of a call
    int64_t* position;
    Stretches stretches;
    Shared<Real, Factor> shared[2];
    int64_t part_bytes;

    BackwardPlan(const Backward& b, const Layout<Real>& l, Arena& arena)
        : position(arena.take<int64_t>(l.s.parts * l.s.steps)), stretches(l, arena),
          shared{{l, stretches.most_rows, arena}, l.s.directions == 2 ? Shared<Real, Factor>(l, stretches.most_rows, arena) : shared[0]} {
        Arena one;
        BackwardPart<Real, Factor>(b, l, shared[0], position, 0, 0, one);
        part_bytes = (one.used + 4095) & ~int64_t(4095);
        arena.used = (arena.used + 63) & ~int64_t(63);
    }
};

template <class Real, class Factor>
static void backward(const Backward& b) {
    Layout<Real> l(b.shape);
    const Shape& s = b.shape;
    Arena arena{static_cast<char*>(b.scratch)};
    BackwardPlan<Real, Factor> plan(b, l, arena);
    l.positions(plan.position);
    const int items = s.directions * s.parts;
    auto* parts = arena.take<BackwardPart<Real, Factor>>(items);
    arena.used = (arena.used + 63) & ~int64_t(63);
    in_team(s.threads, [&](int member, int members) {
        for (int d = 0; d < s.directions; ++d) {
            if (b.dx && !b.tokens && PlainWeights<Real, Factor>::packed(l, l.I)) pack_plain(l, plan.shared[d].packed_x, static_cast<const Real*>(b.weights[d].ih), l.x_blocks, l.I, member, members);
            if (PlainWeights<Real, Factor>::packed(l, l.H)) pack_plain(l, plan.shared[d].packed_h, static_cast<const Real*>(b.weights[d].hh), l.h_blocks, l.H, member, members);
        }
        if (b.dx && (b.tokens || s.directions == 2))
            for (int64_t row = member; row < (b.tokens ? b.table_rows : s.rows); row += members)
                fill(static_cast<Real*>(b.dx) + row * b.dx_stride, Real(0), b.tokens ? s.directions * l.x_blocks * l.H : l.I);
        for (int item = member; item < items; item += members) {
            Arena own{static_cast<char*>(b.scratch) + arena.used + item * plan.part_bytes};
            const int d = item % s.directions;
            parts[item] = BackwardPart<Real, Factor>(b, l, plan.shared[d], plan.position, d, item / s.directions, own);
        }
        wait_for_team(members);
        const Stretches& stretches = plan.stretches;
        for (int count = 0; count < stretches.count; ++count) {
            for (int item = member; item < items; item += members) parts[item].stretch(stretches, parts[item].reverse ? count : stretches.count - 1 - count);
            wait_for_team(members);
            if constexpr (Shared<Real, Factor>::half) {
                for (int d = 0; d < s.directions; ++d)
                    Sums<Real, Factor>{b, l, plan.shared[d], d}.halve_rows(stretches.rows(s, d == 1 ? count : stretches.count - 1 - count), member, members);
                wait_for_team(members);
            }
            for (int d = 0; d < s.directions; ++d) {
                const int number = d == 1 ? count : stretches.count - 1 - count;
                const Sums<Real, Factor> sums{b, l, plan.shared[d], d};
                sums.weights(stretches.rows(s, number), count == 0, member, members);
                if (b.dx && b.tokens) sums.table(stretches.row_of + stretches.start(s, number), stretches.rows(s, number), member, members);
                if (b.dx && !b.tokens) sums.inputs(stretches.row_of + stretches.start(s, number), stretches.rows(s, number), member, members);
                if (b.dx && s.directions == 2) wait_for_team(members);  // both directions may add to the same rows
            }
            wait_for_team(members);
        }
        for (int d = 0; d < s.directions; ++d) Sums<Real, Factor>{b, l, plan.shared[d], d}.finish(member, members);
    });
}

template <class Real, class Factor>
static int64_t backward_bytes(const Shape& s, const Program& program) {
    Layout<Real> l(s);
    Backward b{};
    b.shape = s;
    b.program = program;
    Arena arena;
    BackwardPlan<Real, Factor> plan(b, l, arena);
    arena.take<BackwardPart<Real, Factor>>(s.directions * s.parts);
    return arena.used + 128 + plan.part_bytes * s.directions * s.parts;
}
