// Backpropagation through time: the steps in stretches that stay in cache. For each stretch, every part goes back through its own sequences
// and leaves the gradients of the pre-activations, δ; then the team sums δ vᵀ over all rows for the weights, and multiplies δ W for the inputs.
#pragma once

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
            for (int64_t j = 0; j < l.unit_panels; ++j) send_back(j, n, place);
            for (int k = 0; k < l.s.states; ++k) {
                Real* swapped = now[k];
                now[k] = next[k];
                next[k] = swapped;
            }
            finish(l.rows(l.before(t, reverse), part), n);
        }
    }

    // What the recurrent products send back to a panel of the old output.
    void send_back(int64_t j, int64_t n, int64_t place) const {
        const Layout<Real>& l = *layout;
        const auto& h_block = l.s.h_block;
        Real* to = next[0] + j * l.most_rows * P;
        const PlainWeights<Real, Factor> w{l, shared->packed_h, static_cast<const Real*>(b->weights[direction].hh), l.h_blocks, l.H};
        if constexpr (Shares::half) {
            static const float zeros[PANEL<float>] = {};
            for (int c = 0; c < l.s.columns; ++c) {
                if (h_block[c] < 0) continue;
                l.s.pairs->multiply({n, whole_lines(l.H), shared->half_delta(l, c, place), Shares::half_line(l), w.panel(j, h_block[c]), zeros, 0, product, P});
                for (int64_t i = 0; i < n * P; ++i) to[i] += product[i];
            }
        } else {
            SumOfProducts<Real> sum{n, l.unit_width(j), w.after(j), to, P, to, P, {}};
            for (int c = 0; c < l.s.columns; ++c)
                if (h_block[c] >= 0) sum.add(w.term(j, h_block[c], shared->delta(l, c, 0, place), shared->rows * P));
            sum.finish();
        }
    }

    // Sequences that began at this step.
    void finish(int64_t from, int64_t to) const {
        const Layout<Real>& l = *layout;
        for (int k = 0; k < l.s.states; ++k)
            for (int64_t r = from; b->grad_initial[k] && r < to; ++r)
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
        const PairsAtWork pairs(Shared<Real, Factor>::half ? s.pairs : nullptr);
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
