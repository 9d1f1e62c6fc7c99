// One layer forward: for each step and panel of units, matrix products into the registers of the pointwise program, the program, the new state.
#pragma once

// What the products of a direction read, in the order in which they read it. `Factor` is the type of numbers that are multiplied: Real, or
// Half for bfloat16, whose products take whole lines of k in pairs.
template <class Real, class Factor>
struct Packed {
    static constexpr bool half = sizeof(Factor) < sizeof(Real);
    static constexpr int64_t P = PANEL<Real>;
    const Layout<Real>* l;
    int64_t x_depth, h_depth, unit_panel;  // the last: numbers in all columns of a panel of units
    Factor* panels;  // [unit panel][column][k of the input, then of the old output][unit in panel], for Half [...][pair of k][unit in panel][2]
    Real* bias;      // [column][padded]
    Real* vectors;   // [vector][padded]

    static int64_t depth(int64_t K) { return half ? whole_lines(K) : K; }
    Packed(const Layout<Real>& layout, Arena& arena) : l(&layout), x_depth(depth(layout.I)), h_depth(depth(layout.H)) {
        unit_panel = (layout.x_blocks * x_depth + layout.h_blocks * h_depth) * P;
        panels = arena.take<Factor>(layout.unit_panels * unit_panel);
        bias = arena.take<Real>(layout.s.columns * layout.padded);
        vectors = arena.take<Real>(layout.s.vectors * layout.padded);
    }
    Factor* x(int column, int64_t u) const {
        Factor* at = panels + u * unit_panel;
        for (int c = 0; c < column; ++c) at += (l->s.x_block[c] >= 0 ? x_depth * P : 0) + (l->s.h_block[c] >= 0 ? h_depth * P : 0);
        return at;
    }
    Factor* h(int column, int64_t u) const { return x(column, u) + (l->s.x_block[column] >= 0 ? x_depth * P : 0); }
    // Where the column after this one begins: the first of the first panel after the last, as another step begins.
    const Factor* after(int column, int64_t u) const {
        if (column + 1 < l->s.columns) return x(column + 1, u);
        return panels + (u + 1 < l->unit_panels ? u + 1 : 0) * unit_panel;
    }
    int64_t bytes() const { return l->unit_panels * unit_panel * int64_t(sizeof(Factor)); }
};

template <class Real, class Factor>
static int64_t packed_bytes(const Shape& s) {
    Arena arena;
    Packed<Real, Factor>(Layout<Real>(s), arena);
    return arena.used + 64;
}

// A panel of W [block * H + unit, K], zeros where units are missing.
template <class Real>
static void pack_panel(const Layout<Real>& l, Real* to, const Real* w, int block, int64_t u, int64_t K) {
    constexpr int64_t P = PANEL<Real>, W = WIDTH<Real>;
    const int64_t width = l.unit_width(u);
    const Real* from = w + (block * l.H + u * P) * K;
    if (width < P) fill(to, Real(0), K * P);
    for (int64_t k = 0; k < K; k += W)
        for (int64_t unit = 0; unit < width; unit += W) {
            if (k + W <= K && unit + W <= width) {
                Vec<Real> square[W];
                for (int64_t i = 0; i < W; ++i) square[i] = load<Real>(from + (unit + i) * K + k);
                transpose<Real>(square);
                for (int64_t i = 0; i < W; ++i) store<Real>(to + (k + i) * P + unit, square[i]);
            } else {
                for (int64_t i = k; i < (k + W < K ? k + W : K); ++i)
                    for (int64_t j = unit; j < (unit + W < width ? unit + W : width); ++j) to[i * P + j] = from[j * K + i];
            }
        }
}
static void pack_panel(const Layout<float>& l, Half* to, const float* w, int block, int64_t u, int64_t K) {
    constexpr int64_t P = PANEL<float>;
    alignas(64) float pair[2][P];
    const int64_t lines = whole_lines(K), width = l.unit_width(u);
    const float* from = w + (block * l.H + u * P) * K;
    for (int64_t k = 0; k < lines; k += 2) {
        for (int64_t unit = 0; unit < P; ++unit)
            for (int side = 0; side < 2; ++side) pair[side][unit] = unit < width && k + side < K ? from[unit * K + k + side] : 0.0f;
        halve_pair(to + k * P, pair[0], pair[1]);
    }
}

// Numbers that one thread has packed before others have woken up.
constexpr int64_t PACK_ALONE = 32768;

template <class Real, class Factor>
static void pack(const Shape& s, const Weights& w, void* memory) {
    Layout<Real> l(s);
    Arena arena{static_cast<char*>(memory)};
    Packed<Real, Factor> to(l, arena);
    fill(to.bias, Real(0), s.columns * l.padded);
    fill(to.vectors, Real(0), s.vectors * l.padded);
    auto add = [&](int column, const void* bias, int block) {
        for (int64_t i = 0; bias && block >= 0 && i < l.H; ++i) to.bias[column * l.padded + i] += static_cast<const Real*>(bias)[block * l.H + i];
    };
    for (int c = 0; c < s.columns; ++c) add(c, w.bias_ih, s.x_block[c]), add(c, w.bias_hh, s.h_block[c]);
    for (int v = 0; v < s.vectors; ++v) copy(to.vectors + v * l.padded, static_cast<const Real*>(w.vectors) + v * l.H, l.H);
    in_team(l.padded * s.columns * (l.I + l.H) < PACK_ALONE ? 1 : s.threads, [&](int member, int members) {
        for (int64_t item = member; item < l.unit_panels * s.columns; item += members) {
            const int64_t u = item / s.columns;
            const int c = int(item % s.columns);
            if (w.ih && s.x_block[c] >= 0) pack_panel(l, to.x(c, u), static_cast<const Real*>(w.ih), s.x_block[c], u, l.I);
            if (s.h_block[c] >= 0) pack_panel(l, to.h(c, u), static_cast<const Real*>(w.hh), s.h_block[c], u, l.H);
        }
    });
}

static void fingerprint(Fingerprint& f, const void* data, int64_t bytes) {
    typedef uint32_t Lanes __attribute__((vector_size(256), aligned(4), may_alias));
    Lanes sum = *reinterpret_cast<Lanes*>(f.lanes);
    const char* at = static_cast<const char*>(data);
    auto add = [&](Lanes numbers) {
        sum = (sum ^ numbers) * 2654435761u + 1u;
        sum ^= sum >> 15;  // a product hands nothing down: two changed signs would undo each other
    };
    for (; bytes >= 256; at += 256, bytes -= 256) add(*reinterpret_cast<const Lanes*>(at));
    Lanes rest{};
    __builtin_memcpy(&rest, at, bytes);
    add(rest);
    *reinterpret_cast<Lanes*>(f.lanes) = sum;
}

template <class Real, class Factor>
struct ForwardPart {
    using Weights = Packed<Real, Factor>;
    static constexpr int64_t P = PANEL<Real>;
    const Forward& f;
    const Layout<Real>& l;
    const Shape& s;
    const int direction, part;
    const bool reverse;
    const Crew crew;        // this member works on every crew.size-th panel of units, from crew.place on
    Real** block;           // the program's registers
    Real* now[64];          // the crew's: each state in panels [unit panel][row][unit in panel], and where the step puts the new one
    Real* next[64];
    Real* vectors;          // the crew's: [vector][unit panel][row][unit in panel]
    Weights packed;
    Factor *half_x = nullptr, *half_h = nullptr;  // [row][whole lines]: the step's input and the old output as bfloat16

    static Weights packed_at(const Layout<Real>& l, const void* memory) {
        Arena arena{static_cast<char*>(const_cast<void*>(memory))};
        return Weights(l, arena);
    }

    // `shared` is the same memory for all of a crew, `arena` this member's own.
    ForwardPart(const Forward& call, const Layout<Real>& layout, int item, const Crew& c, Arena& shared, Arena& arena)
        : f(call), l(layout), s(call.shape), direction(item % s.directions), part(item / s.directions), reverse(direction == 1), crew(c), packed(packed_at(layout, call.packed[direction])) {
        for (int k = 0; k < s.states; ++k) now[k] = shared.take<Real>(l.most_rows * l.padded), next[k] = shared.take<Real>(l.most_rows * l.padded);
        vectors = shared.take<Real>(s.vectors * l.most_rows * l.padded);
        const int64_t tiled = (l.most_rows + 15) / 16 * 16;  // matrix tiles write to whole tiles
        block = make_registers<Real>(f.program, Weights::half ? tiled : l.most_rows, arena);
        if (Weights::half) {
            half_x = arena.take<Factor>(tiled * whole_lines(l.I));
            half_h = arena.take<Factor>(tiled * whole_lines(l.padded));
            if (arena.base) fill(half_x, Factor(0), tiled * whole_lines(l.I)), fill(half_h, Factor(0), tiled * whole_lines(l.padded));
        }
    }

    void run(const int64_t* position) {
        start();
        crew.meet();
        for (int at = 0, t = reverse ? s.steps - 1 : 0; at < s.steps; ++at, t = l.after(t, reverse)) {
            const int64_t n = l.rows(t, part);
            if constexpr (Weights::half) halve_inputs(t, n);
            if (n > 0)
                for (int64_t u = crew.place; u < l.unit_panels; u += crew.size) step(t, n, u, position[part * s.steps + t]);
            crew.meet();
            for (int k = 0; k < s.states; ++k) {
                Real* swapped = now[k];
                now[k] = next[k];
                next[k] = swapped;
            }
            // Sequences that end here, as this direction runs, have their final state now.
            finish(l.rows(l.after(t, reverse), part), n);
        }
    }

    void start() {
        for (int k = 0; k < s.states; ++k)
            for (int64_t u = crew.place; u < l.unit_panels; u += crew.size)
                for (int64_t r = 0; r < l.rows(0, part); ++r) {
                    // In both buffers: a sequence may begin at any step of the reverse direction.
                    const Real* from = l.state_row(f.initial[k], direction, l.sequence(part, r)) + u * P;
                    copy_row(now[k] + (u * l.most_rows + r) * P, from, l.unit_width(u));
                    copy_row(next[k] + (u * l.most_rows + r) * P, from, l.unit_width(u));
                }
        for (int64_t v = crew.place; v < s.vectors * l.unit_panels; v += crew.size)
            for (int64_t r = 0; r < l.most_rows; ++r) copy(vectors + (v * l.most_rows + r) * P, packed.vectors + v * P, P);
    }

    void finish(int64_t from, int64_t to) const {
        for (int k = 0; k < s.states; ++k)
            for (int64_t r = from; r < to; ++r)
                for (int64_t u = crew.place; u < l.unit_panels; u += crew.size)
                    copy(const_cast<Real*>(l.state_row(f.last[k], direction, l.sequence(part, r))) + u * P, now[k] + (u * l.most_rows + r) * P, l.unit_width(u));
    }

    void step(int t, int64_t n, int64_t u, int64_t position) {
        const int64_t width = l.unit_width(u), in_state = u * l.most_rows * P;
        // Results go straight to where they are wanted, if that is a block like a register.
        for (int o = 0; o < f.program.output_count; ++o) {
            const Slot& slot = f.program.outputs[o];
            if (slot.place < f.program.input_count) continue;
            if (slot.kind == Kind::state_new) block[slot.place] = next[slot.index] + in_state;
            else if (f.records) block[slot.place] = l.record(f.records, direction, slot.index, u, position);
        }
        for (int i = 0; i < f.program.input_count; ++i) {
            const Slot& slot = f.program.inputs[i];
            if (slot.kind == Kind::state_old) block[slot.place] = now[slot.index] + in_state;
            else if (slot.kind == Kind::vector) block[slot.place] = vectors + (slot.index * l.unit_panels + u) * l.most_rows * P;
            else column(slot.index, t, n, u, block[slot.place]);
        }
        run_program<Real>(f.program, block, n * P);
        for (int o = 0; o < f.program.output_count; ++o) {
            const Slot& slot = f.program.outputs[o];
            if (slot.kind == Kind::state_new) keep(slot, n, next[slot.index] + in_state);
            else if (f.records) keep(slot, n, l.record(f.records, direction, slot.index, u, position));
        }
        for (int k = 1; f.records && k < s.states; ++k)
            if (s.history[k] >= 0) copy(l.record(f.records, direction, s.history[k], u, position), next[k] + in_state, n * P);
        Real* y = static_cast<Real*>(f.y) + direction * l.H + u * P;
        for (int64_t r = 0; r < n; ++r) {
            Real* to = y + l.row(t, part, r) * f.y_stride;
            if (width == P) copy(to, next[0] + in_state + r * P, P);
            else copy(to, next[0] + in_state + r * P, width);
        }
    }

    void halve_inputs(int t, int64_t n) {
        for (int64_t r = 0; r < n; ++r) {
            const float* x = static_cast<const float*>(f.x) + (f.tokens ? 0 : l.row(t, part, r)) * f.x_stride;
            const int64_t whole = l.I / HALF_LINE * HALF_LINE;
            halve(half_x + r * whole_lines(l.I), x, whole);
            if (whole < l.I) {
                float rest[HALF_LINE] = {};
                copy(rest, x + whole, l.I - whole);
                halve(half_x + r * whole_lines(l.I) + whole, rest, HALF_LINE);
            }
            for (int64_t u = 0; u < l.unit_panels; ++u) halve(half_h + r * whole_lines(l.padded) + u * P, now[0] + (u * l.most_rows + r) * P, P);
        }
    }

    // One block of pre-activations: bias + W x + U h, of which a cell may have either product alone.
    void column(int c, int t, int64_t n, int64_t u, Real* to) const {
        const Real* start = packed.bias + c * l.padded + u * P;
        int64_t start_row = 0;
        int x = s.x_block[c];
        const int h = s.h_block[c];
        if (x >= 0 && f.tokens) {
            look_up(x, t, n, u, start, to);
            start = to, start_row = P, x = -1;
        }
        if constexpr (Weights::half) {
            const int64_t x_lines = packed.x_depth, h_lines = packed.h_depth;
            if (x >= 0) s.pairs->multiply({n, x_lines, half_x, x_lines, packed.x(c, u), start, start_row, to, P});
            if (h >= 0) s.pairs->multiply({n, h_lines, half_h, whole_lines(l.padded), packed.h(c, u), x >= 0 ? to : start, x >= 0 ? P : start_row, to, P});
        } else {
            SumOfProducts<Real> sum{n, l.unit_width(u), packed.bytes() > KEPT_BYTES ? packed.after(c, u) : nullptr, start, start_row, to, P, {}};
            if (x >= 0) sum.add({l.I, Operand<Real>::rows(static_cast<const Real*>(f.x) + l.row(t, part, 0) * f.x_stride, l.stride * f.x_stride), packed.x(c, u), P});
            if (h >= 0) sum.add({l.H, Operand<Real>::panels(now[0], l.most_rows * P), packed.h(c, u), P});
            sum.finish();
        }
    }

    // The products of the inputs, out of the table.
    void look_up(int x, int t, int64_t n, int64_t u, const Real* bias, Real* to) const {
        for (int64_t r = 0; r < n; ++r, to += P) {
            const Real* from = static_cast<const Real*>(f.x) + f.tokens[l.row(t, part, r)] * f.x_stride + (direction * l.x_blocks + x) * l.H + u * P;
            for (int64_t i = 0; i < l.unit_width(u); ++i) to[i] = from[i] + bias[i];
        }
    }

    // A result that is an input, a constant, or wanted in two places has to be copied.
    void keep(const Slot& slot, int64_t n, Real* to) const {
        if (slot.place < 0)
            for (int64_t r = 0; r < n; ++r) copy(to + r * P, block[slot.place], P);
        else if (block[slot.place] != to) copy(to, block[slot.place], n * P);
    }
};

template <class Real, class Factor>
struct ForwardPlan {  // the workspace of a call
    int64_t* position;
    Crews crews;
    int64_t shared_bytes, member_bytes, item_bytes;

    ForwardPlan(const Forward& f, const Layout<Real>& l, Arena& arena) : position(arena.take<int64_t>(l.s.parts * l.s.steps)), crews(l.s, l.unit_panels, arena) {
        Arena shared, member;
        ForwardPart<Real, Factor>(f, l, 0, {}, shared, member);
        shared_bytes = (shared.used + 4095) & ~int64_t(4095), member_bytes = (member.used + 4095) & ~int64_t(4095);
        item_bytes = shared_bytes + crews.size * member_bytes;
        arena.used = (arena.used + 63) & ~int64_t(63);
    }
};

template <class Real, class Factor>
static void forward(const Forward& f) {
    Layout<Real> l(f.shape);
    Arena arena{static_cast<char*>(f.scratch)};
    const ForwardPlan<Real, Factor> plan(f, l, arena);
    l.positions(plan.position);
    const int most = plan.crews.items * plan.crews.size;
    in_team(f.shape.threads < most ? f.shape.threads : most, [&](int member, int members) {
        const PairsAtWork pairs(sizeof(Factor) < sizeof(Real) ? f.shape.pairs : nullptr);
        plan.crews.each(member, members, [&](int item, const Crew& crew) {
            Arena shared{arena.base + arena.used + item * plan.item_bytes}, own{shared.base + plan.shared_bytes + crew.place * plan.member_bytes};
            ForwardPart<Real, Factor>(f, l, item, crew, shared, own).run(plan.position);
        });
    });
}

template <class Real, class Factor>
static int64_t forward_bytes(const Shape& s, const Program& program) {
    Layout<Real> l(s);
    Forward f{};
    f.shape = s;
    f.program = program;
    Arena arena;
    const ForwardPlan<Real, Factor> plan(f, l, arena);
    return arena.used + plan.item_bytes * plan.crews.items + 64;
}
