// Backpropagation through time: the steps in stretches that stay in cache. For each stretch, every part goes back through its own sequences
// and leaves the gradients of the pre-activations, δ; then it sums δ vᵀ over these rows for the weights, and multiplies δ W for the inputs. The
// sums of all parts are added up at the end.
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
    bool reverse, fresh = true;  // fresh: nothing was summed yet
    Crew crew;             // this member works on every crew.size-th panel, from crew.place on
    Real **block, **home;  // the program's registers, and where they lie when they are not pointed elsewhere
    Real* now[64];         // the crew's: the gradient of each state after the step, in panels, and where the step puts the one before it
    Real* next[64];
    Real* vectors;         // the crew's
    Real* product;         // [rows of whole matrix tiles][PANEL], for bfloat16

    // `common` is the same memory for all of a crew, `arena` this member's own.
    BackwardPart(const Backward& call, const Layout<Real>& l, const Shares* shares, const int64_t* positions, int item, const Crew& c, Arena& common, Arena& arena)
        : b(&call), layout(&l), position(positions), direction(item % l.s.directions), part(item / l.s.directions), reverse(direction == 1), crew(c) {
        const Shape& s = l.s;
        shared = shares + direction;
        for (int k = 0; k < s.states; ++k) now[k] = common.take<Real>(l.most_rows * l.padded), next[k] = common.take<Real>(l.most_rows * l.padded);
        vectors = common.take<Real>(s.vectors * l.most_rows * l.padded);
        block = make_registers<Real>(call.program, l.most_rows, arena);
        home = arena.take<Real*>(call.program.registers);
        product = arena.take<Real>(Shares::half ? (l.most_rows + 15) / 16 * 16 * P : 0);
        if (arena.base) start();
    }

    void start() {
        const Layout<Real>& l = *layout;
        const Shape& s = l.s;
        copy(home, block, b->program.registers);
        const Real* from = static_cast<const Real*>(b->weights[direction].vectors);
        for (int64_t u = crew.place; u < l.unit_panels; u += crew.size) {
            for (int k = 0; k < s.states; ++k) {
                const int64_t in_state = u * l.most_rows * P;
                fill(now[k] + in_state, Real(0), l.most_rows * P);
                for (int64_t r = 0; r < l.rows(0, part) && b->grad_last[k]; ++r)
                    copy(now[k] + in_state + r * P, l.state_row(b->grad_last[k], direction, l.sequence(part, r)) + u * P, l.unit_width(u));
                copy(next[k] + in_state, now[k] + in_state, l.most_rows * P);  // a sequence may end at any step
            }
            for (int64_t v = 0; v < s.vectors; ++v) {
                for (int64_t r = 0; r < l.most_rows; ++r) copy_row(vectors + ((v * l.unit_panels + u) * l.most_rows + r) * P, from + v * l.H + u * P, l.unit_width(u));
                fill(shared->vectors + (part * s.vectors + v) * l.padded + u * P, Real(0), P);
            }
        }
    }

    void stretch(const Stretches& stretches, int number) {
        const Layout<Real>& l = *layout;
        const int begin = stretches.first[number], end = stretches.first[number + 1];
        for (int at = begin, t = reverse ? begin : end - 1; at < end; ++at, t = l.before(t, reverse)) {
            const int64_t n = l.rows(t, part), place = stretches.offset[part * l.s.steps + t];
            if (n == 0) continue;
            remember(t, n, place);
            if (b->grad_y) add_output_gradient(t, n);
            for (int64_t u = crew.place; u < l.unit_panels; u += crew.size) step(t, n, u, place);
            crew.meet();  // a panel of the old output had its share in every δ
            for (int64_t j = crew.place; j < l.unit_panels; j += crew.size) send_back(j, n, place);
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
                for (int64_t u = crew.place; u < l.unit_panels; u += crew.size)
                    copy(const_cast<Real*>(l.state_row(b->grad_initial[k], direction, l.sequence(part, r))) + u * P, now[k] + (u * l.most_rows + r) * P, l.unit_width(u));
    }

    const Real* output_row(int t, int64_t r) const { return static_cast<const Real*>(b->y) + layout->row(t, part, r) * b->y_stride + direction * layout->H; }

    // What the sums over rows need of this step: the inputs and the outputs that it started from, in panels.
    void remember(int t, int64_t n, int64_t place) const {
        const Layout<Real>& l = *layout;
        const int64_t continued = l.rows(l.before(t, reverse), part);
        for (int64_t r = 0; r < n; ++r) {
            const Real* old = r < continued ? output_row(l.before(t, reverse), r) : l.state_row(b->initial[0], direction, l.sequence(part, r));
            for (int64_t u = crew.place; u < l.unit_panels; u += crew.size) copy_row(shared->old_output + (u * shared->rows + place + r) * P, old + u * P, l.unit_width(u));
            const Real* x = static_cast<const Real*>(b->x) + l.row(t, part, r) * b->x_stride;
            for (int64_t j = crew.place; b->gradients[direction].ih && !b->tokens && j < l.input_panels; j += crew.size)
                copy_row(shared->inputs + (j * shared->rows + place + r) * P, x + j * P, l.input_width(j));
        }
    }

    void add_output_gradient(int t, int64_t n) const {
        const Layout<Real>& l = *layout;
        for (int64_t r = 0; r < n; ++r) {
            const Real* from = static_cast<const Real*>(b->grad_y) + l.row(t, part, r) * b->grad_stride + direction * l.H;
            for (int64_t u = crew.place; u < l.unit_panels; u += crew.size)
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
        for (int64_t r = continued; r < n; ++r) copy_row(own + r * P, l.state_row(b->initial[slot.index], direction, l.sequence(part, r)) + u * P, l.unit_width(u));
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
    Crews crews;
    Shared<Real, Factor> shared[2];
    BackwardPart<Real, Factor>* parts;  // [item][member of the crew]
    int64_t common_bytes, member_bytes, item_bytes;

    BackwardPlan(const Backward& b, const Layout<Real>& l, Arena& arena)
        : position(arena.take<int64_t>(l.s.parts * l.s.steps)), stretches(l, arena), crews(l.s, l.unit_panels, arena),
          shared{{l, stretches.most_rows, arena}, l.s.directions == 2 ? Shared<Real, Factor>(l, stretches.most_rows, arena) : shared[0]},
          parts(arena.take<BackwardPart<Real, Factor>>(crews.items * crews.size)) {
        Arena common, member;
        BackwardPart<Real, Factor>(b, l, shared, position, 0, {}, common, member);
        common_bytes = (common.used + 4095) & ~int64_t(4095), member_bytes = (member.used + 4095) & ~int64_t(4095);
        item_bytes = common_bytes + crews.size * member_bytes;
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
    const Stretches& stretches = plan.stretches;
    const bool both = b.dx && !b.tokens && s.directions == 2;
    in_team(s.threads, [&](int member, int members) {
        const PairsAtWork pairs(Shared<Real, Factor>::half ? s.pairs : nullptr);
        for (int d = 0; d < s.directions; ++d) {
            if (b.dx && !b.tokens && PlainWeights<Real, Factor>::packed(l, l.I)) pack_plain(l, plan.shared[d].packed_x, static_cast<const Real*>(b.weights[d].ih), l.x_blocks, l.I, member, members);
            if (PlainWeights<Real, Factor>::packed(l, l.H)) pack_plain(l, plan.shared[d].packed_h, static_cast<const Real*>(b.weights[d].hh), l.h_blocks, l.H, member, members);
        }
        if (b.dx && (b.tokens || both))
            for (int64_t row = member; row < (b.tokens ? b.table_rows : s.rows); row += members)
                fill(static_cast<Real*>(b.dx) + row * b.dx_stride, Real(0), b.tokens ? s.directions * l.x_blocks * l.H : l.I);
        // This member's place in each part that it works on: f(part, number of the stretch).
        auto each = [&](int count, auto f) {
            plan.crews.each(member, members, [&](int item, const Crew& crew) {
                auto& part = plan.parts[item * plan.crews.size + crew.place];
                f(part, part.reverse ? count : stretches.count - 1 - count);
            });
        };
        auto sums_of = [&](int direction) { return Sums<Real, Factor>{b, l, plan.shared[direction], direction}; };
        auto inputs = [&](const auto& part, int number) {
            sums_of(part.direction).inputs(stretches.rows_of(number), stretches.place(number, part.part), stretches.rows(l, number, part.part), part.crew);
        };
        plan.crews.each(member, members, [&](int item, const Crew& crew) {
            Arena common{arena.base + arena.used + item * plan.item_bytes}, own{common.base + plan.common_bytes + crew.place * plan.member_bytes};
            plan.parts[item * plan.crews.size + crew.place] = BackwardPart<Real, Factor>(b, l, plan.shared, plan.position, item, crew, common, own);
        });
        wait_for_team(members);
        for (int count = 0; count < stretches.count; ++count) {
            // The directions come from both ends. Where they meet, they would add to the same rows of the inputs' gradient at the same time.
            const bool meeting = both && count == stretches.count - 1 - count;
            each(count, [&](auto& part, int number) {
                const int64_t place = stretches.place(number, part.part), rows = stretches.rows(l, number, part.part);
                const auto sums = sums_of(part.direction);
                part.stretch(stretches, number);
                if constexpr (Shared<Real, Factor>::half) {
                    sums.halve_rows(place, rows, part.crew);
                    part.crew.meet();
                }
                if (rows) sums.weights(part.part, place, rows, part.fresh, part.crew);
                if (rows) part.fresh = false;
                if (b.dx && !b.tokens && !(meeting && part.reverse)) inputs(part, number);
                part.crew.meet();  // the next stretch takes the same places
            });
            if (b.dx && (b.tokens || both)) wait_for_team(members);
            if (meeting) each(count, [&](auto& part, int number) {
                if (!part.reverse) return;
                inputs(part, number);
                part.crew.meet();
            });
            if (!b.dx || !b.tokens) continue;
            for (int d = 0; d < s.directions; ++d) {
                const int number = d ? count : stretches.count - 1 - count;
                for (int part = 0; part < s.parts; ++part)
                    sums_of(d).table(stretches.rows_of(number), stretches.place(number, part), stretches.rows(l, number, part), member, members);
            }
            wait_for_team(members);
        }
        wait_for_team(members);
        for (int d = 0; d < s.directions; ++d) sums_of(d).finish(member, members);
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
    return arena.used + 128 + plan.item_bytes * plan.crews.items;
}
