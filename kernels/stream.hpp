// A stream: B sequences, one step a call. Weights are read once a step, so what counts is their size in memory: they may be stored as
// bfloat16, and a product of few rows keeps two sums for each number, as one alone would wait for itself.
#pragma once

// bfloat16 numbers of two successive k for one unit; the first in the lower half.
struct Halves {
    uint32_t both;
};

template <class Real> INLINE void load_two(const Real* at, Vec<Real>& first, Vec<Real>& second) {
    first = load(at);
    second = load(at + PANEL<Real>);
}
INLINE void load_two(const Halves* at, Vec<float>& first, Vec<float>& second) {
    __builtin_prefetch(at + 4 * PANEL<float>);
    const VecInt<float> both = (VecInt<float>)load(reinterpret_cast<const float*>(at));
    first = (Vec<float>)(both << 16);
    second = (Vec<float>)(both & (int32_t)0xffff0000);
}
// How many rows of a panel are used at a time, where it is read again for other rows of the left side.
constexpr int64_t DEPTH = 128;
// How many stored numbers two successive k of a panel take.
template <class Real, class Stored> constexpr int TWO = 2 * PANEL<Real>;
template <> constexpr int TWO<float, Halves> = PANEL<float>;

template <class Real> static void store_weight(Real* panel, int64_t k, int64_t unit, Real value) { panel[k * PANEL<Real> + unit] = value; }
static void store_weight(Halves* panel, int64_t k, int64_t unit, float value) {
    const uint32_t upper = uint32_t(halved(all<float>(value))[0]) >> 16;
    panel[k / 2 * PANEL<float> + unit].both |= upper << (k % 2 ? 16 : 0);
}

// C[r] = start[r] + sum over k of A[r][k] B[k], all NV vectors wide, for few rows.
template <class Real, class Stored, int MR, int NV>
INLINE void narrow_tile(int64_t K, Operand<Real> a, const Stored* b, const Real* start, int64_t start_row, Real* c, int64_t c_row) {
    constexpr int W = WIDTH<Real>;
    Vec<Real> even[MR][NV], odd[MR][NV], first, second;
#pragma GCC unroll 8
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) even[r][v] = odd[r][v] = Vec<Real>{};
    for (; K > 0; K -= PANEL<Real>, a.at += a.jump) {
        const Real* at = a.at;
        int64_t k = K < PANEL<Real> ? K : PANEL<Real>;
        for (; k > 1; k -= 2, at += 2, b += TWO<Real, Stored>)
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) {
                load_two(b + v * W, first, second);
#pragma GCC unroll 8
                for (int r = 0; r < MR; ++r) even[r][v] += all<Real>(at[r * a.row]) * first, odd[r][v] += all<Real>(at[r * a.row + 1]) * second;
            }
        if (k)  // what stands beside the last one of an odd number is not this row's
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) {
                load_two(b + v * W, first, second);
#pragma GCC unroll 8
                for (int r = 0; r < MR; ++r) even[r][v] += all<Real>(at[r * a.row]) * first;
            }
    }
#pragma GCC unroll 8
    for (int r = 0; r < MR; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) store<Real>(c + r * c_row + v * W, load<Real>(start + r * start_row + v * W) + (even[r][v] + odd[r][v]));
}

template <class Real, class Stored, int NV>
static void narrow_columns(int64_t rows, int64_t K, Operand<Real> a, const Stored* b, const Real* start, int64_t start_row, Real* c, int64_t c_row) {
    for (int64_t k = 0; k < K; k += DEPTH) {
        const int64_t depth = rows <= 3 || K - k < DEPTH ? K - k : DEPTH;
        for (int64_t r = 0; r < rows; r += 3) {
            Operand<Real> part = a;
            part.at += k / PANEL<Real> * a.jump + r * a.row;
            const Stored* from = b + k / 2 * TWO<Real, Stored>;
            const Real* begin = start + r * start_row;
            Real* to = c + r * c_row;
            if (rows - r == 1) narrow_tile<Real, Stored, 1, NV>(depth, part, from, begin, start_row, to, c_row);
            else if (rows - r == 2) narrow_tile<Real, Stored, 2, NV>(depth, part, from, begin, start_row, to, c_row);
            else narrow_tile<Real, Stored, 3, NV>(depth, part, from, begin, start_row, to, c_row);
        }
        if (depth == K - k) return;
        start = c;
        start_row = c_row;
    }
}

// As `multiply`, for weights as a stream stores them.
template <class Real, class Stored>
static void stream_product(int64_t rows, int64_t width, int64_t K, Operand<Real> a, const Stored* b, const Real* start, int64_t start_row, Real* c, int64_t c_row) {
    if constexpr (__is_same(Real, Stored))
        if (rows > 3) {
            const Term<Real> term{K, a, b, PANEL<Real>};
            return multiply<Real>(rows, width, &term, 1, nullptr, start, start_row, c, c_row);
        }
    switch ((width + WIDTH<Real> - 1) / WIDTH<Real>) {
        case 1: return narrow_columns<Real, Stored, 1>(rows, K, a, b, start, start_row, c, c_row);
        case 2: return narrow_columns<Real, Stored, 2>(rows, K, a, b, start, start_row, c, c_row);
        case 3: return narrow_columns<Real, Stored, 3>(rows, K, a, b, start, start_row, c, c_row);
        default: return narrow_columns<Real, Stored, 4>(rows, K, a, b, start, start_row, c, c_row);
    }
}

// A stored matrix [units, K]: panels of units, each with its k by twos.
template <class Real, class Stored>
struct StoredMatrix {
    int64_t units, K, panels, panel_size;
    Stored* panel;

    StoredMatrix(int64_t all_units, int64_t depth, Arena& arena) : units(all_units), K(depth) {
        panels = (units + PANEL<Real> - 1) / PANEL<Real>;
        panel_size = (K + 1) / 2 * TWO<Real, Stored>;
        panel = arena.take<Stored>(panels * panel_size);
    }
    int64_t width(int64_t u) const { return units - u * PANEL<Real> < PANEL<Real> ? units - u * PANEL<Real> : PANEL<Real>; }
    void fill_from(const Real* w) const {  // into memory of zeros
        for (int64_t u = 0; u < panels; ++u)
            for (int64_t k0 = 0; k0 < K; k0 += 16)  // blocks of 16 keep both sides in cache
                for (int64_t unit = 0; unit < width(u); ++unit)
                    for (int64_t k = k0; k < (k0 + 16 < K ? k0 + 16 : K); ++k) store_weight(panel + u * panel_size, k, unit, w[(u * PANEL<Real> + unit) * K + k]);
    }
    void multiply_by(int64_t rows, int64_t u, Operand<Real> a, const Real* start, int64_t start_row, Real* c, int64_t c_row) const {
        stream_product<Real, Stored>(rows, width(u), K, a, panel + u * panel_size, start, start_row, c, c_row);
    }
};

template <class Real, class Stored>
struct StreamLayer {
    StoredMatrix<Real, Stored>*x, *h;  // one for each block
    Real* base;                        // biases and what the stream is told: [column][unit panel][rows][unit in panel]; of one row where all have the same
    Real* vectors;                     // [vector][unit panel][B][unit in panel]
    Real* states;                      // [state][two, for old and new][unit panel][B][unit in panel]
    int64_t base_rows;
};

template <class Real, class Stored>
struct StreamBody {
    static constexpr int64_t P = PANEL<Real>;
    using Matrix = StoredMatrix<Real, Stored>;
    StreamShape s;
    int64_t H, B, panels, padded, x_blocks = 0, h_blocks = 0, together, head_width;
    StreamLayer<Real, Stored>* layers;
    Matrix* head;
    Real *head_bias, *table, *embedding, *x, *logits;
    int64_t* tokens;      // what each sequence reads next
    Real*** registers;    // of each thread
    DrawSpace* drawing;   // of each thread
    int64_t parity = 0;   // which half of `states` is the old one
    bool stopping = false, broken = false;

    // Lays everything out; without a base it only counts.
    StreamBody(const StreamShape& shape, Arena& arena) : s(shape), H(shape.units), B(shape.batch) {
        panels = (H + P - 1) / P;
        padded = panels * P;
        for (int c = 0; c < s.columns; ++c) x_blocks += s.x_block[c] >= 0, h_blocks += s.h_block[c] >= 0;
        // Panels that a program runs over at once: an instruction should have some work, and registers should stay in cache.
        together = CHUNK<Real> / (B * P) < 1 ? 1 : CHUNK<Real> / (B * P) > panels ? panels : CHUNK<Real> / (B * P);
        layers = arena.take<StreamLayer<Real, Stored>>(s.layers);
        for (int l = 0; l < s.layers; ++l) {
            StreamLayer<Real, Stored> layer;
            layer.x = matrices(x_blocks, l > 0 ? H : s.inputs, arena);
            layer.h = matrices(h_blocks, H, arena);
            layer.base_rows = l == 0 && s.told ? B : 1;
            layer.base = arena.take<Real>(s.columns * padded * layer.base_rows);
            layer.vectors = arena.take<Real>(s.vectors * padded * B);
            layer.states = arena.take<Real>(s.states * 2 * padded * B);
            if (arena.base) layers[l] = layer;
        }
        head = s.symbols ? matrices_of(1, s.symbols, H, arena) : nullptr;
        head_width = (s.symbols + P - 1) / P * P;
        head_bias = arena.take<Real>(head_width);
        table = arena.take<Real>(s.table ? s.symbols * x_blocks * padded : 0);
        embedding = arena.take<Real>(s.table ? 0 : s.symbols * int64_t(s.inputs));
        x = arena.take<Real>(s.symbols ? B * s.inputs : 0);
        logits = arena.take<Real>(B * head_width);
        tokens = arena.take<int64_t>(s.symbols ? B : 0);
        registers = arena.take<Real**>(s.threads);
        drawing = arena.take<DrawSpace>(s.threads);
        for (int t = 0; t < s.threads; ++t) {
            Real** block = make_registers<Real>(*s.program, together * B, arena);
            DrawSpace space(s.symbols, arena);
            if (arena.base) registers[t] = block, drawing[t] = space;
        }
    }
    Matrix* matrices(int64_t count, int64_t K, Arena& arena) { return matrices_of(count, H, K, arena); }
    Matrix* matrices_of(int64_t count, int64_t units, int64_t K, Arena& arena) {
        Matrix* found = arena.take<Matrix>(count);
        for (int64_t k = 0; k < count; ++k) {
            Matrix matrix(units, K, arena);
            if (arena.base) found[k] = matrix;
        }
        return found;
    }

    void read_weights(const StreamWeights& w) {
        for (int l = 0; l < s.layers; ++l) {
            const StreamLayer<Real, Stored>& to = layers[l];
            const Weights& from = w.layers[l];
            for (int64_t k = 0; k < x_blocks && to.x[k].K > 0; ++k) to.x[k].fill_from(static_cast<const Real*>(from.ih) + k * H * to.x[k].K);
            for (int64_t k = 0; k < h_blocks; ++k) to.h[k].fill_from(static_cast<const Real*>(from.hh) + k * H * H);
            for (int c = 0; c < s.columns; ++c)
                for (int64_t r = 0; r < to.base_rows; ++r) {
                    const int64_t at = c * panels * to.base_rows;
                    if (s.x_block[c] >= 0) {
                        add(to.base, at, to.base_rows, r, from.bias_ih, s.x_block[c]);
                        if (to.base_rows == B && s.told && l == 0) add(to.base, at, to.base_rows, r, w.told, r * x_blocks + s.x_block[c]);
                    }
                    if (s.h_block[c] >= 0) add(to.base, at, to.base_rows, r, from.bias_hh, s.h_block[c]);
                }
            for (int v = 0; v < s.vectors; ++v)
                for (int64_t r = 0; r < B; ++r) add(to.vectors, v * panels * B, B, r, from.vectors, v);
        }
        if (s.symbols) {
            head->fill_from(static_cast<const Real*>(w.head));
            if (w.head_bias) copy(head_bias, static_cast<const Real*>(w.head_bias), s.symbols);
            if (s.table)
                for (int64_t row = 0; row < s.symbols * x_blocks; ++row) copy(table + row * padded, static_cast<const Real*>(w.table) + row * H, H);
            else copy(embedding, static_cast<const Real*>(w.embedding), s.symbols * int64_t(s.inputs));
        }
    }
    // Adds the `block`-th H numbers of `from` to row r of panels of `rows` rows that begin with panel number `at`.
    void add(Real* to, int64_t at, int64_t rows, int64_t r, const void* from, int64_t block) const {
        for (int64_t i = 0; from && i < H; ++i) to[((at + i / P * rows) + r) * P + i % P] += static_cast<const Real*>(from)[block * H + i];
    }

    Real* state(int layer, int k, int64_t which) const { return layers[layer].states + (k * 2 + which) * padded * B; }

    // One step of a layer for the panels of one member of the team, from the old states to the new.
    void step_layer(int l, int64_t old, int member, int members, Operand<Real> input, Real* y) const {
        const StreamLayer<Real, Stored>& layer = layers[l];
        const Program& program = *s.program;
        Real** block = registers[member];
        const int64_t last = panels * (member + 1) / members;
        for (int64_t u = panels * member / members; u < last; u += together) {
            const int64_t count = last - u < together ? last - u : together, at = u * B * P;
            // Results go straight to where they are wanted, if that is a block like a register.
            for (int o = 0; o < program.output_count; ++o) {
                const Slot& slot = program.outputs[o];
                if (slot.kind == Kind::state_new && slot.place >= program.input_count) block[slot.place] = state(l, slot.index, 1 - old) + at;
            }
            for (int i = 0; i < program.input_count; ++i) {
                const Slot& slot = program.inputs[i];
                if (slot.kind == Kind::state_old) block[slot.place] = state(l, slot.index, old) + at;
                else if (slot.kind == Kind::vector) block[slot.place] = layer.vectors + slot.index * padded * B + at;
                else
                    for (int64_t k = 0; k < count; ++k) column(l, slot.index, old, u + k, input, block[slot.place] + k * B * P);
            }
            run_program<Real>(program, block, count * B * P);
            for (int o = 0; o < program.output_count; ++o) {
                const Slot& slot = program.outputs[o];
                if (slot.kind != Kind::state_new) continue;
                Real* to = state(l, slot.index, 1 - old) + at;
                if (slot.place < 0)
                    for (int64_t r = 0; r < count * B; ++r) copy(to + r * P, block[slot.place], P);
                else if (block[slot.place] != to) copy(to, block[slot.place], count * B * P);
            }
            if (y) to_rows(state(l, 0, 1 - old), u, u + count, y);
        }
        wait_for_team(members);
    }

    // One block of pre-activations: bias + W x + U h, of which a cell may have either product alone.
    void column(int l, int c, int64_t old, int64_t u, Operand<Real> input, Real* to) const {
        const StreamLayer<Real, Stored>& layer = layers[l];
        const Real* start = layer.base + (c * panels + u) * layer.base_rows * P;
        int64_t start_row = layer.base_rows > 1 ? P : 0;
        const int xb = s.x_block[c], hb = s.h_block[c];
        if (xb >= 0) {
            if (l == 0 && s.table)
                for (int64_t r = 0; r < B; ++r) {
                    const Real* found = table + (tokens[r] * x_blocks + xb) * padded + u * P;
                    for (int v = 0; v < PANEL_VECTORS<Real>; ++v)
                        store(to + r * P + v * WIDTH<Real>, load(start + r * start_row + v * WIDTH<Real>) + load(found + v * WIDTH<Real>));
                }
            else layer.x[xb].multiply_by(B, u, input, start, start_row, to, P);
            start = to;
            start_row = P;
        }
        if (hb >= 0) layer.h[hb].multiply_by(B, u, Operand<Real>::panels(state(l, 0, old), B * P), start, start_row, to, P);
    }

    // Panels [first, last) of [unit panel][B][unit in panel] as rows [B, H], or back.
    void to_rows(const Real* from, int64_t first, int64_t last, Real* to) const {
        for (int64_t u = first; u < last; ++u)
            for (int64_t r = 0; r < B; ++r) copy(to + r * H + u * P, from + (u * B + r) * P, H - u * P < P ? H - u * P : P);
    }
    void from_rows(const Real* from, Real* to) const {
        for (int64_t u = 0; u < panels; ++u)
            for (int64_t r = 0; r < B; ++r) copy_row(to + (u * B + r) * P, from + r * H + u * P, H - u * P < P ? H - u * P : P);
    }

    void step_layers(int64_t old, int member, int members, const Real* rows, Real* y) const {
        Operand<Real> input = Operand<Real>::rows(rows, s.inputs);
        for (int l = 0; l < s.layers; ++l) {
            step_layer(l, old, member, members, input, l == s.layers - 1 ? y : nullptr);
            input = Operand<Real>::panels(state(l, 0, 1 - old), B * P);
        }
    }
    // What the symbols in `tokens` are to the first layer, if it has no table.
    void embed(int member, int members) const {
        if (s.table) return;
        for (int64_t r = member; r < B; r += members) copy(x + r * s.inputs, embedding + tokens[r] * s.inputs, s.inputs);
        wait_for_team(members);
    }
    void step_head(int64_t now, int member, int members) const {
        for (int64_t u = head->panels * member / members; u < head->panels * (member + 1) / members; ++u)
            head->multiply_by(B, u, Operand<Real>::panels(state(s.layers - 1, 0, now), B * P), head_bias + u * P, 0, logits + u * P, head_width);
        wait_for_team(members);
    }

    int64_t pass(int threads, Passage& p) {
        const double until = p.steps > 1 ? omp_get_wtime() + p.seconds : 0;
        int64_t made = 0;
        stopping = broken = false;
        in_team(threads, [&](int member, int members) {
            int64_t old = parity, t = 0;
            for (bool more = t < p.steps; more;) {
                int64_t* here = p.tokens + t * B;
                for (int64_t r = member; r < B; r += members) {
                    if (p.uniforms) here[r] = draw(logits + r * head_width, s.symbols, p.drawing, p.uniforms[t * B + r], drawing[member]);
                    if (here[r] < 0) __atomic_store_n(&broken, true, __ATOMIC_RELAXED);
                    if (p.uniforms && here[r] == p.drawing.stop) p.ended[r] = 1;
                    tokens[r] = here[r];
                }
                if (member == 0) stopping = p.steps > 1 && omp_get_wtime() > until;
                wait_for_team(members);
                // From here to the next barrier nobody writes, so all members come to the same decision.
                bool all_ended = p.uniforms != nullptr;
                for (int64_t r = 0; all_ended && r < B; ++r) all_ended = p.ended[r];
                if (broken) break;
                ++t;
                if (all_ended) break;
                more = t < p.steps && !stopping;
                embed(member, members);
                step_layers(old, member, members, x, nullptr);
                old = 1 - old;
                if (p.uniforms || !more) step_head(old, member, members);
            }
            wait_for_team(members);
            if (member == 0) parity = old, made = t;
        });
        p.broken = broken;
        return made;
    }
};

template <class Real, class Stored>
constexpr Streaming streaming = {
    sizeof(Real),
    [](const StreamShape& shape) {
        Arena arena;
        arena.take<StreamBody<Real, Stored>>(1);
        StreamBody<Real, Stored>(shape, arena);
        return arena.used + 64;
    },
    [](const StreamShape& shape, const StreamWeights& weights, void* memory) {
        Arena arena{static_cast<char*>(memory)};
        auto* body = arena.take<StreamBody<Real, Stored>>(1);
        *body = StreamBody<Real, Stored>(shape, arena);
        body->read_weights(weights);
    },
    [](void* memory, int threads, const void* x, void* y) {
        auto& body = *static_cast<StreamBody<Real, Stored>*>(memory);
        in_team(threads, [&](int member, int members) { body.step_layers(body.parity, member, members, static_cast<const Real*>(x), static_cast<Real*>(y)); });
        body.parity = 1 - body.parity;
    },
    [](void* memory, int threads, Passage& p) { return static_cast<StreamBody<Real, Stored>*>(memory)->pass(threads, p); },
    [](const void* memory, void* to) {
        auto& body = *static_cast<const StreamBody<Real, Stored>*>(memory);
        for (int64_t r = 0; r < body.B; ++r) copy(static_cast<Real*>(to) + r * body.s.symbols, body.logits + r * body.head_width, body.s.symbols);
    },
    [](const void* memory, int state, void* to) {
        auto& body = *static_cast<const StreamBody<Real, Stored>*>(memory);
        for (int l = 0; l < body.s.layers; ++l) body.to_rows(body.state(l, state, body.parity), 0, body.panels, static_cast<Real*>(to) + l * body.B * body.H);
    },
    [](void* memory, int state, const void* from) {
        auto& body = *static_cast<StreamBody<Real, Stored>*>(memory);
        for (int l = 0; l < body.s.layers; ++l)
            if (from) body.from_rows(static_cast<const Real*>(from) + l * body.B * body.H, body.state(l, state, body.parity));
            else fill(body.state(l, state, body.parity), Real(0), body.padded * body.B);
    },
};
