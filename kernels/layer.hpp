// One layer, one direction: the loop over time with its matrix products and pointwise programs, forward and backward.
//
// Sequences are dealt out to the threads like cards; each thread runs all steps of its own with no barrier. A thread's rows at a step are
// starts[t] + thread, starts[t] + thread + threads, ...: as sequences end, the work shrinks evenly.
#pragma once

struct Arena {  // hands out pieces of the workspace; without a base it only counts
    char* base = nullptr;
    int64_t used = 0;
    template <class T> T* take(int64_t count) {
        used = (used + 63) & ~int64_t(63);
        T* piece = base ? reinterpret_cast<T*>(base + used) : nullptr;
        used += count * int64_t(sizeof(T));
        return piece;
    }
};

template <class Real>
struct Layout {
    int64_t H, I, unit_panels, input_panels, padded, most_rows;
    const Shape& s;

    explicit Layout(const Shape& shape) : s(shape) {
        H = s.units;
        I = s.inputs;
        unit_panels = (H + PANEL<Real> - 1) / PANEL<Real>;
        input_panels = (I + PANEL<Real> - 1) / PANEL<Real>;
        padded = unit_panels * PANEL<Real>;
        most_rows = (s.batch + s.threads - 1) / s.threads;
    }
    int64_t unit_width(int64_t u) const { return H - u * PANEL<Real> < PANEL<Real> ? H - u * PANEL<Real> : PANEL<Real>; }
    int64_t input_width(int64_t j) const { return I - j * PANEL<Real> < PANEL<Real> ? I - j * PANEL<Real> : PANEL<Real>; }
    int64_t mine(int64_t active, int thread) const { return active > thread ? (active - thread + s.threads - 1) / s.threads : 0; }
    int count(const int* blocks) const {
        int found = 0;
        for (int c = 0; c < s.columns; ++c) found += blocks[c] >= 0;
        return found;
    }
    // Steps in the order in which they are computed.
    int step(int at) const { return s.reverse ? s.steps - 1 - at : at; }
    // Whether row r of step t has a step before it (in this direction), and that row's number.
    bool has_old(int t, int64_t r) const { return s.reverse ? t + 1 < s.steps && r < s.batch_sizes[t + 1] : t > 0; }
    int64_t old_row(int t, int64_t r) const { return (s.reverse ? s.starts[t + 1] : s.starts[t - 1]) + r; }
};

template <class Real>
static void copy(Real* to, const Real* from, int64_t count) { __builtin_memcpy(to, from, count * sizeof(Real)); }
template <class Real>
static void fill(Real* to, Real value, int64_t count) {
    for (int64_t i = 0; i < count; ++i) to[i] = value;
}
// A register row: `width` numbers, and zeros to the end of the panel so that no lane ever holds what nobody wrote.
template <class Real>
static void copy_row(Real* to, const Real* from, int64_t width) {
    copy(to, from, width);
    if (width < PANEL<Real>) fill(to + width, Real(0), PANEL<Real> - width);
}
template <class Real>
static Real* fill_constants(const Program& program, Arena& arena) {
    Real* constants = arena.take<Real>(program.constant_count * CHUNK<Real>);
    for (int k = 0; k < program.constant_count; ++k) fill(constants + k * CHUNK<Real>, Real(program.constants[k]), CHUNK<Real>);
    return constants;
}
template <class Real>
static void run_rows(const Program& program, Real* registers, int64_t stride, Real* constants, int64_t rows) {
    int64_t total = rows * PANEL<Real>;
    for (int64_t at = 0; at < total; at += CHUNK<Real>)
        run_program<Real>(program, registers + at, stride, constants, total - at < CHUNK<Real> ? total - at : CHUNK<Real>);
}

// Run f(0), ..., f(threads - 1), at once if there are that many threads, and wait for all.
template <class F>
static void in_threads(int threads, F f) {
    if (threads == 1) return f(0);
#pragma omp parallel for schedule(static, 1) num_threads(threads)
    for (int thread = 0; thread < threads; ++thread) f(thread);
}

// ---------------------------------------------------------------------------------------------------------------- forward

// W [block * H + unit, K] as panels of units: packed[block][panel][k][unit in panel], zeros where units are missing.
template <class Real>
static void pack_transposed(const Layout<Real>& l, Real* packed, const Real* w, int blocks, int64_t K, int thread) {
    for (int64_t item = thread; item < blocks * l.unit_panels; item += l.s.threads) {
        int64_t block = item / l.unit_panels, u = item % l.unit_panels, width = l.unit_width(u);
        Real* to = packed + item * K * PANEL<Real>;
        const Real* from = w + (block * l.H + u * PANEL<Real>) * K;
        if (width < PANEL<Real>) fill(to, Real(0), K * PANEL<Real>);
        for (int64_t k0 = 0; k0 < K; k0 += 16)  // blocks of 16 keep both sides in cache
            for (int64_t unit = 0; unit < width; ++unit)
                for (int64_t k = k0; k < (k0 + 16 < K ? k0 + 16 : K); ++k) to[k * PANEL<Real> + unit] = from[unit * K + k];
    }
}

template <class Real>
struct ForwardParts {
    Real *packed_x, *packed_h;
    char* own;  // the first thread's part; the others follow
    int64_t own_bytes;

    ForwardParts(const Layout<Real>& l, int registers, Arena& arena) {
        packed_x = arena.take<Real>(l.count(l.s.x_block) * l.unit_panels * l.I * PANEL<Real>);
        packed_h = arena.take<Real>(l.count(l.s.h_block) * l.unit_panels * l.H * PANEL<Real>);
        Arena one;
        one.take<Real>(64 * CHUNK<Real>);
        one.take<Real>(registers * l.most_rows * PANEL<Real>);
        one.take<Real>((l.s.states + 1) * l.most_rows * l.padded);
        own_bytes = (one.used + 4095) & ~int64_t(4095);
        own = arena.take<char>(own_bytes * l.s.threads);
    }
};

template <class Real>
static void forward_thread(const Forward& f, const Layout<Real>& l, const ForwardParts<Real>& parts, int thread) {
    const Shape& s = f.shape;
    const Real *x = static_cast<const Real*>(f.x), *bias_ih = static_cast<const Real*>(f.bias_ih), *bias_hh = static_cast<const Real*>(f.bias_hh);
    Arena arena{parts.own + thread * parts.own_bytes};
    Real* constants = fill_constants<Real>(f.program, arena);
    const int64_t stride = l.most_rows * PANEL<Real>;
    Real* registers = arena.take<Real>(f.program.registers * stride);
    Real* state[64];
    for (int k = 0; k < s.states; ++k) state[k] = arena.take<Real>(l.most_rows * l.padded);
    Real* next = arena.take<Real>(l.most_rows * l.padded);  // the new output: all units need the old one until the step is done
    const int64_t rows = l.mine(s.batch, thread);
    for (int k = 0; k < s.states; ++k)
        for (int64_t j = 0; j < rows; ++j) copy(state[k] + j * l.padded, static_cast<const Real*>(f.initial[k]) + (thread + j * s.threads) * l.H, l.H);
    for (int64_t j = 0; j < rows; ++j) copy(next + j * l.padded, state[0] + j * l.padded, l.H);

    for (int at = 0; at < s.steps; ++at) {
        const int t = l.step(at);
        const int64_t n = l.mine(s.batch_sizes[t], thread), first = s.starts[t] + thread;
        if (n == 0) continue;
        for (int64_t u = 0; u < l.unit_panels; ++u) {
            const int64_t width = l.unit_width(u), unit = u * PANEL<Real>;
            for (int i = 0; i < f.program.input_count; ++i) {
                const Slot& slot = f.program.inputs[i];
                Real* reg = registers + slot.place * stride;
                if (slot.kind == Kind::state_old) {
                    for (int64_t j = 0; j < n; ++j) copy_row(reg + j * PANEL<Real>, state[slot.index] + j * l.padded + unit, width);
                } else if (slot.kind == Kind::vector) {
                    for (int64_t j = 0; j < n; ++j) copy_row(reg + j * PANEL<Real>, static_cast<const Real*>(f.vectors) + slot.index * l.H + unit, width);
                } else {
                    const int xb = s.x_block[slot.index], hb = s.h_block[slot.index];
                    for (int64_t v = 0; v < PANEL<Real>; ++v) {
                        Real sum = 0;
                        if (v < width && xb >= 0 && bias_ih) sum += bias_ih[xb * l.H + unit + v];
                        if (v < width && hb >= 0 && bias_hh) sum += bias_hh[hb * l.H + unit + v];
                        reg[v] = sum;
                    }
                    for (int64_t j = 1; j < n; ++j) copy(reg + j * PANEL<Real>, reg, PANEL<Real>);
                    if (xb >= 0) multiply<Real>(n, width, l.I, x + first * f.x_stride, s.threads * f.x_stride, 1,
                                                parts.packed_x + (xb * l.unit_panels + u) * l.I * PANEL<Real>, PANEL<Real>, reg, PANEL<Real>);
                    if (hb >= 0) multiply<Real>(n, width, l.H, state[0], l.padded, 1,
                                                parts.packed_h + (hb * l.unit_panels + u) * l.H * PANEL<Real>, PANEL<Real>, reg, PANEL<Real>);
                }
            }
            run_rows<Real>(f.program, registers, stride, constants, n);
            for (int o = 0; o < f.program.output_count; ++o) {
                const Slot& slot = f.program.outputs[o];
                const bool constant = slot.place < 0;
                const Real* reg = constant ? constants + (-1 - slot.place) * CHUNK<Real> : registers + slot.place * stride;
                const int64_t step = constant ? 0 : PANEL<Real>;
                Real* to = nullptr;
                int64_t to_row = l.H * s.threads, offset = first * l.H;
                if (slot.kind == Kind::state_new) {
                    Real* kept = slot.index == 0 ? next : state[slot.index];
                    for (int64_t j = 0; j < n; ++j) copy(kept + j * l.padded + unit, reg + j * step, width);
                    to = static_cast<Real*>(slot.index == 0 ? f.y : f.history[slot.index]);
                    if (slot.index == 0) to_row = f.y_stride * s.threads, offset = first * f.y_stride;
                } else {
                    to = static_cast<Real*>(f.saved[slot.index]);
                }
                if (to)
                    for (int64_t j = 0; j < n; ++j) copy(to + offset + j * to_row + unit, reg + j * step, width);
            }
        }
        Real* swapped = state[0];
        state[0] = next;
        next = swapped;
        // Sequences that end here (or whose first step this was, going backward) have their final state now.
        const int64_t stay = at + 1 < s.steps ? l.mine(s.batch_sizes[l.step(at + 1)], thread) : 0;
        for (int64_t j = stay; j < n; ++j)
            for (int k = 0; k < s.states; ++k) copy(static_cast<Real*>(f.last[k]) + (thread + j * s.threads) * l.H, state[k] + j * l.padded, l.H);
    }
}

template <class Real>
static void forward(const Forward& f) {
    Layout<Real> l(f.shape);
    Arena arena{static_cast<char*>(f.scratch)};
    ForwardParts<Real> parts(l, f.program.registers, arena);
    in_threads(f.shape.threads, [&](int thread) {
        pack_transposed<Real>(l, parts.packed_x, static_cast<const Real*>(f.weight_ih), l.count(f.shape.x_block), l.I, thread);
        pack_transposed<Real>(l, parts.packed_h, static_cast<const Real*>(f.weight_hh), l.count(f.shape.h_block), l.H, thread);
    });
    in_threads(f.shape.threads, [&](int thread) { forward_thread<Real>(f, l, parts, thread); });
}

// --------------------------------------------------------------------------------------------------------------- backward

// W [block * H + unit, columns] as panels both ways: packed[block][unit panel][column panel][unit][column in panel].
template <class Real>
static void pack_plain(const Layout<Real>& l, Real* packed, const Real* w, int blocks, int64_t columns, int64_t panels, int thread) {
    for (int64_t item = thread; item < blocks * l.unit_panels * panels; item += l.s.threads) {
        int64_t block = item / (l.unit_panels * panels), u = item / panels % l.unit_panels, j = item % panels;
        int64_t width = columns - j * PANEL<Real> < PANEL<Real> ? columns - j * PANEL<Real> : PANEL<Real>;
        Real* to = packed + item * PANEL<Real> * PANEL<Real>;
        for (int64_t unit = 0; unit < l.unit_width(u); ++unit)
            copy_row(to + unit * PANEL<Real>, w + (block * l.H + u * PANEL<Real> + unit) * columns + j * PANEL<Real>, width);
    }
}

template <class Real>
struct BackwardParts {
    Real *packed_x, *packed_h;
    Real* deltas;      // gradients of the columns: [column][unit panel][row][unit in panel]
    Real* old_output;  // the output that each row started from: [unit panel][row][unit in panel]
    Real* inputs;      // x in panels, for the weight gradient
    Real* blocks;      // the weight gradients, a square of PANEL x PANEL for each pair of panels
    Real* vector_sums; // [thread][vector][padded]
    char* own;
    int64_t own_bytes;

    BackwardParts(const Layout<Real>& l, int registers, Arena& arena) {
        const int xs = l.count(l.s.x_block), hs = l.count(l.s.h_block);
        const int64_t N = l.s.rows, square = PANEL<Real> * PANEL<Real>;
        packed_x = arena.take<Real>(xs * l.unit_panels * l.input_panels * square);
        packed_h = arena.take<Real>(hs * l.unit_panels * l.unit_panels * square);
        deltas = arena.take<Real>(l.s.columns * l.unit_panels * N * PANEL<Real>);
        old_output = arena.take<Real>(hs ? l.unit_panels * N * PANEL<Real> : 0);
        inputs = arena.take<Real>(xs ? l.input_panels * N * PANEL<Real> : 0);
        blocks = arena.take<Real>((xs * l.input_panels + hs * l.unit_panels) * l.unit_panels * square);
        vector_sums = arena.take<Real>(l.s.threads * l.s.vectors * l.padded);
        Arena one;
        one.take<Real>(64 * CHUNK<Real>);
        one.take<Real>(registers * l.most_rows * PANEL<Real>);
        one.take<Real>(l.s.states * l.most_rows * l.padded);
        one.take<Real>(48 * l.input_panels * PANEL<Real>);
        own_bytes = (one.used + 4095) & ~int64_t(4095);
        own = arena.take<char>(own_bytes * l.s.threads);
    }
};

template <class Real>
struct BackwardThread {
    const Backward& b;
    const Layout<Real>& l;
    const BackwardParts<Real>& parts;
    const int thread;
    const Shape& s;
    const int64_t N;

    BackwardThread(const Backward& call, const Layout<Real>& layout, const BackwardParts<Real>& all_parts, int number)
        : b(call), l(layout), parts(all_parts), thread(number), s(call.shape), N(call.shape.rows) {}

    Real* gradient[64];  // of each state of this thread's rows, as of the step that comes next

    Real* delta(int column, int64_t u, int64_t row) const { return parts.deltas + ((column * l.unit_panels + u) * N + row) * PANEL<Real>; }

    // The old state's row: what the step started from.
    const Real* old_state(int k, int t, int64_t r) const {
        if (!l.has_old(t, r)) return static_cast<const Real*>(b.initial[k]) + r * l.H;
        const int64_t row = l.old_row(t, r);
        return k == 0 ? static_cast<const Real*>(b.y) + row * b.y_stride : static_cast<const Real*>(b.history[k]) + row * l.H;
    }

    void input(const Slot& slot, Real* reg, int t, int64_t n, int64_t u) const {
        const int64_t width = l.unit_width(u), unit = u * PANEL<Real>;
        for (int64_t j = 0; j < n; ++j, reg += PANEL<Real>) {
            const int64_t r = thread + j * s.threads, row = s.starts[t] + r;
            const Real* from = nullptr;
            switch (slot.kind) {
                case Kind::state_old: from = old_state(slot.index, t, r); break;
                case Kind::state_new:
                    from = slot.index == 0 ? static_cast<const Real*>(b.y) + row * b.y_stride : static_cast<const Real*>(b.history[slot.index]) + row * l.H;
                    break;
                case Kind::saved: from = static_cast<const Real*>(b.saved[slot.index]) + row * l.H; break;
                case Kind::vector: from = static_cast<const Real*>(b.vectors) + slot.index * l.H; break;
                default: from = gradient[slot.index] + j * l.padded; break;
            }
            copy_row(reg, from + unit, width);
        }
    }

    void loop(Real* constants, Real* registers, int64_t stride) {
        for (int at = s.steps - 1; at >= 0; --at) {
            const int t = l.step(at);
            const int64_t n = l.mine(s.batch_sizes[t], thread), first = s.starts[t] + thread;
            if (n == 0) continue;
            if (b.grad_y)
                for (int64_t j = 0; j < n; ++j) {
                    const Real* from = static_cast<const Real*>(b.grad_y) + (first + j * s.threads) * b.grad_stride;
                    Real* to = gradient[0] + j * l.padded;
                    for (int64_t i = 0; i < l.H; ++i) to[i] += from[i];
                }
            for (int64_t u = 0; u < l.unit_panels; ++u) {
                for (int i = 0; i < b.program.input_count; ++i) input(b.program.inputs[i], registers + b.program.inputs[i].place * stride, t, n, u);
                run_rows<Real>(b.program, registers, stride, constants, n);
                for (int o = 0; o < b.program.output_count; ++o) output(b.program.outputs[o], constants, registers, stride, t, n, u);
                if (l.count(s.h_block))
                    for (int64_t j = 0; j < n; ++j)
                        copy_row(parts.old_output + (u * N + first + j * s.threads) * PANEL<Real>, old_state(0, t, thread + j * s.threads) + u * PANEL<Real>, l.unit_width(u));
            }
            // What the recurrent products send back to the old output.
            for (int c = 0; c < s.columns; ++c) {
                if (s.h_block[c] < 0) continue;
                for (int64_t j = 0; j < l.unit_panels; ++j)
                    for (int64_t u = 0; u < l.unit_panels; ++u)
                        multiply<Real>(n, l.unit_width(j), l.unit_width(u), delta(c, u, first), s.threads * PANEL<Real>, 1,
                                       parts.packed_h + ((s.h_block[c] * l.unit_panels + u) * l.unit_panels + j) * PANEL<Real> * PANEL<Real>, PANEL<Real>,
                                       gradient[0] + j * PANEL<Real>, l.padded);
            }
        }
    }

    void output(const Slot& slot, Real* constants, Real* registers, int64_t stride, int t, int64_t n, int64_t u) {
        const bool constant = slot.place < 0;
        const Real* reg = constant ? constants + (-1 - slot.place) * CHUNK<Real> : registers + slot.place * stride;
        const int64_t step = constant ? 0 : PANEL<Real>, width = l.unit_width(u), unit = u * PANEL<Real>;
        for (int64_t j = 0; j < n; ++j, reg += step) {
            const int64_t row = s.starts[t] + thread + j * s.threads;
            if (slot.kind == Kind::column) copy(delta(slot.index, u, row), reg, PANEL<Real>);
            else if (slot.kind == Kind::state_old) copy(gradient[slot.index] + j * l.padded + unit, reg, width);
            else {
                Real* sum = parts.vector_sums + (thread * s.vectors + slot.index) * l.padded + unit;
                for (int64_t i = 0; i < width; ++i) sum[i] += reg[i];
            }
        }
    }

    // ∂L/∂x for a share of the rows.
    void input_gradient(Real* sums) const {
        const int64_t begin = N * thread / s.threads, end = N * (thread + 1) / s.threads, line = l.input_panels * PANEL<Real>;
        for (int64_t row = begin; row < end; row += 48) {
            const int64_t n = end - row < 48 ? end - row : 48;
            fill(sums, Real(0), n * line);
            for (int64_t j = 0; j < l.input_panels; ++j)
                for (int c = 0; c < s.columns; ++c) {
                    if (s.x_block[c] < 0) continue;
                    for (int64_t u = 0; u < l.unit_panels; ++u)
                        multiply<Real>(n, l.input_width(j), l.unit_width(u), delta(c, u, row), PANEL<Real>, 1,
                                       parts.packed_x + ((s.x_block[c] * l.unit_panels + u) * l.input_panels + j) * PANEL<Real> * PANEL<Real>, PANEL<Real>,
                                       sums + j * PANEL<Real>, line);
                }
            for (int64_t r = 0; r < n; ++r) {
                Real* to = static_cast<Real*>(b.dx) + (row + r) * b.dx_stride;
                const Real* from = sums + r * line;
                if (b.accumulate_dx)
                    for (int64_t i = 0; i < l.I; ++i) to[i] += from[i];
                else
                    copy(to, from, l.I);
            }
        }
    }

    // ∂L/∂W = sum over rows of δ vᵀ for a share of the pairs of panels; rows in stretches that stay in cache.
    void weight_gradient() const {
        const int xs = l.count(s.x_block), hs = l.count(s.h_block);
        const int64_t pairs = (xs * l.input_panels + hs * l.unit_panels) * l.unit_panels, square = PANEL<Real> * PANEL<Real>;
        const int64_t begin = pairs * thread / s.threads, end = pairs * (thread + 1) / s.threads;
        fill(parts.blocks + begin * square, Real(0), (end - begin) * square);
        const int64_t stretch = 256;
        for (int64_t row = 0; row < N; row += stretch) {
            const int64_t n = N - row < stretch ? N - row : stretch;
            for (int64_t pair = begin; pair < end; ++pair) {
                Pair p = find(pair);
                const Real* v = (p.input ? parts.inputs : parts.old_output) + (p.panel * N + row) * PANEL<Real>;
                multiply<Real>(l.unit_width(p.u), p.width, n, delta(p.column, p.u, row), 1, PANEL<Real>, v, PANEL<Real>, parts.blocks + pair * square, PANEL<Real>);
            }
        }
        for (int64_t pair = begin; pair < end; ++pair) {
            Pair p = find(pair);
            const int64_t line = p.input ? l.I : l.H, block = p.input ? s.x_block[p.column] : s.h_block[p.column];
            Real* weight = static_cast<Real*>(p.input ? b.d_weight_ih : b.d_weight_hh) + (block * l.H + p.u * PANEL<Real>) * line + p.panel * PANEL<Real>;
            for (int64_t unit = 0; unit < l.unit_width(p.u); ++unit) copy(weight + unit * line, parts.blocks + pair * square + unit * PANEL<Real>, p.width);
            if (p.panel == 0) bias_gradient(p.input, p.column, block, p.u);
        }
    }

    void bias_gradient(bool input, int column, int64_t block, int64_t u) const {
        Real* bias = static_cast<Real*>(input ? b.d_bias_ih : b.d_bias_hh);
        if (!bias) return;
        Real sum[PANEL<Real>] = {};
        for (int64_t row = 0; row < N; ++row) {
            const Real* d = delta(column, u, row);
            for (int64_t i = 0; i < PANEL<Real>; ++i) sum[i] += d[i];
        }
        copy(bias + block * l.H + u * PANEL<Real>, sum, l.unit_width(u));
    }

    struct Pair {
        bool input;
        int column;
        int64_t u, panel, width;
    };

    Pair find(int64_t pair) const {
        for (int c = 0; c < s.columns; ++c)
            for (int side = 0; side < 2; ++side) {
                if ((side ? s.h_block[c] : s.x_block[c]) < 0) continue;
                const int64_t panels = side ? l.unit_panels : l.input_panels, here = panels * l.unit_panels;
                if (pair < here) {
                    const int64_t panel = pair % panels;
                    return {side == 0, c, pair / panels, panel, side ? l.unit_width(panel) : l.input_width(panel)};
                }
                pair -= here;
            }
        return {};
    }

    void through_time() {
        Arena arena{parts.own + thread * parts.own_bytes};
        Real* constants = fill_constants<Real>(b.program, arena);
        const int64_t stride = l.most_rows * PANEL<Real>, rows = l.mine(s.batch, thread);
        Real* registers = arena.take<Real>(b.program.registers * stride);
        for (int k = 0; k < s.states; ++k) {
            gradient[k] = arena.take<Real>(l.most_rows * l.padded);
            fill(gradient[k], Real(0), l.most_rows * l.padded);
            if (b.grad_last && b.grad_last[k])
                for (int64_t j = 0; j < rows; ++j) copy(gradient[k] + j * l.padded, static_cast<const Real*>(b.grad_last[k]) + (thread + j * s.threads) * l.H, l.H);
        }
        fill(parts.vector_sums + thread * s.vectors * l.padded, Real(0), s.vectors * l.padded);
        loop(constants, registers, stride);
        for (int k = 0; k < s.states; ++k)
            for (int64_t j = 0; j < rows; ++j) copy(static_cast<Real*>(b.grad_initial[k]) + (thread + j * s.threads) * l.H, gradient[k] + j * l.padded, l.H);
        for (int64_t item = thread; l.count(s.x_block) && item < l.input_panels; item += s.threads)
            for (int64_t row = 0; row < N; ++row)
                copy_row(parts.inputs + (item * N + row) * PANEL<Real>, static_cast<const Real*>(b.x) + row * b.x_stride + item * PANEL<Real>, l.input_width(item));
    }

    void sums_over_rows() {
        Arena arena{parts.own + thread * parts.own_bytes};
        if (b.dx) input_gradient(arena.take<Real>(48 * l.input_panels * PANEL<Real>));
        weight_gradient();
        if (thread == 0 && s.vectors)
            for (int v = 0; v < s.vectors; ++v)
                for (int64_t i = 0; i < l.H; ++i) {
                    Real sum = 0;
                    for (int k = 0; k < s.threads; ++k) sum += parts.vector_sums[(k * s.vectors + v) * l.padded + i];
                    static_cast<Real*>(b.d_vectors)[v * l.H + i] = sum;
                }
    }
};

template <class Real>
static void backward(const Backward& b) {
    Layout<Real> l(b.shape);
    Arena arena{static_cast<char*>(b.scratch)};
    BackwardParts<Real> parts(l, b.program.registers, arena);
    in_threads(b.shape.threads, [&](int thread) {
        if (b.dx) pack_plain<Real>(l, parts.packed_x, static_cast<const Real*>(b.weight_ih), l.count(b.shape.x_block), l.I, l.input_panels, thread);
        pack_plain<Real>(l, parts.packed_h, static_cast<const Real*>(b.weight_hh), l.count(b.shape.h_block), l.H, l.unit_panels, thread);
    });
    in_threads(b.shape.threads, [&](int thread) { BackwardThread<Real>(b, l, parts, thread).through_time(); });
    in_threads(b.shape.threads, [&](int thread) { BackwardThread<Real>(b, l, parts, thread).sums_over_rows(); });
}

template <class Real>
static int64_t scratch_bytes(const Shape& shape, int registers, bool back) {
    Layout<Real> l(shape);
    Arena arena;
    if (back) BackwardParts<Real>(l, registers, arena);
    else ForwardParts<Real>(l, registers, arena);
    return arena.used + 64;
}
