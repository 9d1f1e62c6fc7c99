// Where things lie: the workspace, how sequences are dealt out, and panels.
//
// Sequences are dealt out to the parts; each part runs all steps of its own. If they end at different steps they are dealt like cards, part
// p's being p, p + parts, p + 2 parts, ...: then the work shrinks evenly. Otherwise each part has neighbours, so that no core calls for
// memory that another one is writing to. What the engine keeps for itself lies in panels of PANEL units, a part's rows of one step below
// each other, so that a register of the program is one stretch of memory.
#pragma once

// Weights up to this size stay in a core's second-level cache from one step to the next, beside what passes through it.
constexpr int64_t KEPT_BYTES = 768 << 10;

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
static void copy(Real* to, const Real* from, int64_t count) { __builtin_memcpy(to, from, count * sizeof(Real)); }
template <class Real>
static void fill(Real* to, Real value, int64_t count) {
    for (int64_t i = 0; i < count; ++i) to[i] = value;
}
// `width` numbers, and zeros to the end of the panel so that no lane ever holds what nobody wrote.
template <class Real>
static void copy_row(Real* to, const Real* from, int64_t width) {
    if (width == PANEL<Real>) return copy(to, from, PANEL<Real>);  // of a size the compiler knows
    copy(to, from, width);
    fill(to + width, Real(0), PANEL<Real> - width);
}

template <class Real>
struct Layout {
    const Shape& s;
    int64_t H, I, unit_panels, input_panels, padded, most_rows;
    int64_t stride;  // from a part's sequence to its next
    int x_blocks = 0, h_blocks = 0;

    explicit Layout(const Shape& shape) : s(shape) {
        H = s.units;
        I = s.inputs;
        unit_panels = (H + PANEL<Real> - 1) / PANEL<Real>;
        input_panels = (I + PANEL<Real> - 1) / PANEL<Real>;
        padded = unit_panels * PANEL<Real>;
        most_rows = (s.batch + s.parts - 1) / s.parts;
        stride = s.steps == 0 || s.batch_sizes[s.steps - 1] == s.batch ? 1 : s.parts;
        for (int c = 0; c < s.columns; ++c) x_blocks += s.x_block[c] >= 0, h_blocks += s.h_block[c] >= 0;
    }
    int64_t unit_width(int64_t u) const { return H - u * PANEL<Real> < PANEL<Real> ? H - u * PANEL<Real> : PANEL<Real>; }
    int64_t input_width(int64_t j) const { return I - j * PANEL<Real> < PANEL<Real> ? I - j * PANEL<Real> : PANEL<Real>; }
    // How many of a step's sequences are this part's.
    int64_t rows(int t, int part) const { return t < 0 || t >= s.steps ? 0 : (s.batch_sizes[t] - part + s.parts - 1) / s.parts; }
    // The row of a part's r-th sequence at a step.
    int64_t row(int t, int part, int64_t r) const { return s.starts[t] + sequence(part, r); }
    int64_t sequence(int part, int64_t r) const {
        const int64_t extra = s.batch % s.parts;  // the first parts have one more
        return (stride > 1 ? part : part * (s.batch / s.parts) + (part < extra ? part : extra)) + r * stride;
    }
    // A step's predecessor in time, as this direction runs.
    static int before(int t, bool reverse) { return reverse ? t + 1 : t - 1; }
    static int after(int t, bool reverse) { return reverse ? t - 1 : t + 1; }
    // Where a part's rows of each step begin in what is recorded: position[part * T + t]; parts one after the other.
    void positions(int64_t* position) const {
        int64_t next = 0;
        for (int part = 0; part < s.parts; ++part)
            for (int t = 0; t < s.steps; next += rows(t++, part)) position[part * s.steps + t] = next;
    }
    Real* record(const void* records, int direction, int quantity, int64_t u, int64_t position) const {
        return static_cast<Real*>(const_cast<void*>(records)) + (((direction * s.recorded + quantity) * unit_panels + u) * s.rows + position) * PANEL<Real>;
    }
    const Real* state_row(const void* states, int direction, int64_t sequence) const { return static_cast<const Real*>(states) + (direction * s.batch + sequence) * H; }
};

// The last 64 bytes are left to whoever calls.
template <class Real>
static int64_t record_bytes(const Shape& s) {
    return s.directions * s.recorded * Layout<Real>(s).padded * s.rows * int64_t(sizeof(Real)) + 64;
}

// A program's registers as blocks of `rows` x PANEL in the workspace, constants before them; entries may be pointed elsewhere.
template <class Real>
static Real** make_registers(const Program& program, int64_t rows, Arena& arena) {
    Real** block = arena.take<Real*>(program.constant_count + program.registers);
    Real* memory = arena.take<Real>(program.constant_count * CHUNK<Real> + program.registers * rows * PANEL<Real>);
    if (!arena.base) return nullptr;
    block += program.constant_count;
    for (int k = 0; k < program.constant_count; ++k, memory += CHUNK<Real>) {
        block[-1 - k] = memory;
        fill(memory, Real(program.constants[k]), CHUNK<Real>);
    }
    fill(memory, Real(0), program.registers * rows * PANEL<Real>);
    for (int k = 0; k < program.registers; ++k) block[k] = memory + k * rows * PANEL<Real>;
    return block;
}
