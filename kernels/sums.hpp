// What is summed over rows: the gradients of weights, biases, inputs and tables.
#pragma once

// What a crew does with the δ of its part's rows of a stretch. Sums over all parts are made at the end, by the team.
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

    int64_t pairs() const { return shared.pairs(l); }
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

    Real* square(int part, int64_t pair) const { return shared.squares + (part * pairs() + pair) * P * P; }

    // The operands of the sums as bfloat16, in pairs of rows; rows beyond the last are zero.
    void halve_rows(int64_t place, int64_t rows, const Crew& crew) const {
        static const float zeros[PANEL<float>] = {};
        const int64_t lines = whole_lines(rows), line = whole_lines(shared.rows), columns = l.s.columns * l.unit_panels, values = l.input_panels + l.unit_panels;
        for (int64_t item = crew.place; item < columns + values; item += crew.size) {
            const bool delta = item < columns;
            const int64_t value = item - columns;
            const float* all = delta ? shared.deltas + item * shared.rows * P
                                     : value < l.input_panels ? shared.inputs + value * shared.rows * P : shared.old_output + (value - l.input_panels) * shared.rows * P;
            const float* from = all + place * P;
            if (!delta && value < l.input_panels && !b.gradients[direction].ih) continue;
            for (int64_t row = 0; !delta && row < lines; row += 2)
                halve_pair(shared.half_values + (value * line + place + row) * P, row < rows ? from + row * P : zeros, row + 1 < rows ? from + (row + 1) * P : zeros);
            for (int64_t row = 0; delta && row < lines; row += 2 * WIDTH<float>)
                for (int64_t i = 0; i < P; i += WIDTH<float>) halve_turned(shared.half_turned + (item * P + i) * line + place + row, line, from + row * P + i, rows - row);
        }
    }

    // ∂L/∂W = sum over rows of δ vᵀ: the crew shares the pairs of panels.
    void weights(int part, int64_t place, int64_t count, bool first, const Crew& crew) const {
        static const Real zeros[PANEL<Real>] = {};
        const int64_t begin = pairs() * crew.place / crew.size, end = pairs() * (crew.place + 1) / crew.size, some = 256;
        for (int64_t done = 0; done < count; done += some)
            for (int64_t pair = begin; pair < end; ++pair) {
                const Pair p = find(pair);
                if (!(p.input ? b.gradients[direction].ih : b.gradients[direction].hh)) continue;
                const int64_t row = place + done, rows = count - done < some ? count - done : some;
                const bool fresh = first && done == 0;
                if constexpr (Shared<Real, Factor>::half) {
                    const int64_t line = whole_lines(shared.rows);
                    Real* to = square(part, pair);
                    l.s.pairs->multiply({P, whole_lines(rows), shared.half_turned + (p.column * l.unit_panels + p.u) * P * line + row, line,
                                        shared.half_values + ((p.input ? 0 : l.input_panels) + p.panel) * line * P + row * P, fresh ? zeros : to, fresh ? 0 : P, to, P});
                } else {
                    const bool in_place = part == 0 && lies_in_place(p);  // no need for a square of its own
                    Real* to = in_place ? gradient_of(p) : square(part, pair);
                    const int64_t to_row = in_place ? (p.input ? l.I : l.H) : P;
                    const Real* v = (p.input ? shared.inputs : shared.old_output) + (p.panel * shared.rows + row) * P;
                    const Term<Real> term{rows, Operand<Real>::transposed(shared.delta(l, p.column, p.u, row)), v, P};
                    multiply<Real>(l.unit_width(p.u), p.width, &term, 1, nullptr, fresh ? zeros : to, fresh ? 0 : to_row, to, to_row);
                }
            }
        for (int64_t item = crew.place; item < l.s.columns * l.unit_panels; item += crew.size) {
            Real* sum = shared.bias + (part * l.s.columns * l.unit_panels + item) * P;
            if (first) fill(sum, Real(0), P);
            const Real* delta = shared.deltas + (item * shared.rows + place) * P;
            for (int64_t row = 0; row < count; row += 32) {  // sums of sums: the error of a long one would grow with its length
                Real some[P] = {};
                for (int64_t r = row; r < (row + 32 < count ? row + 32 : count); ++r)
                    for (int64_t i = 0; i < P; ++i) some[i] += delta[r * P + i];
                for (int64_t i = 0; i < P; ++i) sum[i] += some[i];
            }
        }
    }

    // ∂L/∂x = δ W: the crew shares the rows, in blocks of places. `row_of`: of the stretch's places.
    void inputs(const int64_t* row_of, int64_t place, int64_t count, const Crew& crew) const {
        constexpr int64_t most = 48;
        alignas(64) Real sums[most * P];
        static const Real zeros[PANEL<Real>] = {};
        const int64_t end = place + count * (crew.place + 1) / crew.size;
        const PlainWeights<Real, Factor> w{l, shared.packed_x, static_cast<const Real*>(b.weights[direction].ih), l.x_blocks, l.I};
        for (int64_t row = place + count * crew.place / crew.size; row < end; row += most) {
            const int64_t n = end - row < most ? end - row : most;
            for (int64_t j = 0; j < l.input_panels; ++j) {
                SumOfProducts<Real> sum{n, l.input_width(j), w.after(j), zeros, 0, sums, P, {}};
                for (int c = 0; c < l.s.columns; ++c) {
                    const int block = l.s.x_block[c];
                    if (block < 0) continue;
                    if constexpr (Shared<Real, Factor>::half) {
                        l.s.pairs->multiply({n, whole_lines(l.H), shared.half_delta(l, c, row), shared.half_line(l), w.panel(j, block), sum.start, sum.start_row, sums, P});
                        sum.start = sums, sum.start_row = P;
                    } else {
                        sum.add(w.term(j, block, shared.delta(l, c, 0, row), shared.rows * P));
                    }
                }
                if (!Shared<Real, Factor>::half || sum.start == zeros) sum.finish();  // zeros where no column reads the input
                for (int64_t r = 0; r < n; ++r) {
                    Real* to = static_cast<Real*>(b.dx) + row_of[row + r] * b.dx_stride + j * P;
                    for (int64_t i = 0; i < l.input_width(j); ++i) to[i] = (l.s.directions == 2 ? to[i] : Real(0)) + sums[r * P + i];
                }
            }
        }
    }

    // ∂L/∂table: each row's δ added to the table's row of its token, for a part's rows. Members of the team share the columns, so that no two
    // add to the same number.
    void table(const int64_t* row_of, int64_t place, int64_t count, int member, int members) const {
        for (int64_t item = member; item < l.s.columns * l.unit_panels; item += members) {
            const int64_t c = item / l.unit_panels, u = item % l.unit_panels, width = l.unit_width(u);
            if (l.s.x_block[c] < 0) continue;
            Real* to = static_cast<Real*>(b.dx) + (direction * l.x_blocks + l.s.x_block[c]) * l.H + u * P;
            for (int64_t row = place; row < place + count; ++row) {
                Real* sum = to + b.tokens[row_of[row]] * b.dx_stride;
                const Real* delta = shared.delta(l, int(c), u, row);
                for (int64_t i = 0; i < width; ++i) sum[i] += delta[i];
            }
        }
    }

    // Sums over the parts, each in the order of the parts.
    void finish(int member, int members) const {
        const Gradients& g = b.gradients[direction];
        for (int64_t pair = member; pair < pairs(); pair += members) {
            const Pair p = find(pair);
            if (!(p.input ? g.ih : g.hh)) continue;
            const int64_t line = p.input ? l.I : l.H;
            for (int part = lies_in_place(p); part < l.s.parts; ++part)
                for (int64_t unit = 0; unit < l.unit_width(p.u); ++unit) {
                    Real* to = gradient_of(p) + unit * line;
                    const Real* from = square(part, pair) + unit * P;
                    if (part == 0) copy(to, from, p.width);
                    else for (int64_t i = 0; i < p.width; ++i) to[i] += from[i];
                }
        }
        if (member) return;
        for (int part = 1; part < l.s.parts; ++part)
            for (int64_t i = 0; i < l.s.columns * l.padded; ++i) shared.bias[i] += shared.bias[part * l.s.columns * l.padded + i];
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
