// The end of a language model: logits of every row, and how surprised they are by what followed. Forward gives the sum of -ln p(target) and
// keeps ∂/∂logits = p - onehot(target); back from there come the gradients of rows, weights and bias. Rows go through in blocks that stay in
// cache.
#pragma once

// Rows of a block: as many as keep its logits in the second-level cache, and enough for a sum over them.
template <class Real>
static int64_t head_block(int64_t padded) {
    const int64_t fit = (512 << 10) / (padded * int64_t(sizeof(Real)));
    return fit < 64 ? 64 : fit > 512 ? 512 : fit;
}

template <class Real>
struct Head {
    static constexpr int64_t P = PANEL<Real>;
    const HeadCall& c;
    int64_t unit_panels, symbol_panels, units_padded, symbols_padded, block;
    Real *bias, *by_units, *by_symbols;  // weights as [symbol panel][unit][P], and as [unit panel][symbol][P]
    double* nats;                        // of each member
    Real *gradients, *bias_gradients;    // of each member: [symbol][units padded]
    Real* blocks;                        // of each member: a panel of rows

    Head(const HeadCall& call, Arena& arena) : c(call) {
        unit_panels = (c.units + P - 1) / P, symbol_panels = (c.symbols + P - 1) / P;
        units_padded = unit_panels * P, symbols_padded = (c.symbols + WIDTH<Real> - 1) / WIDTH<Real> * WIDTH<Real>;
        block = head_block<Real>(symbols_padded);
        bias = arena.take<Real>(symbols_padded);
        by_units = arena.take<Real>(symbol_panels * c.units * P);
        by_symbols = arena.take<Real>(unit_panels * c.symbols * P);
        nats = arena.take<double>(c.threads);
        gradients = arena.take<Real>(c.threads * c.symbols * units_padded);
        bias_gradients = arena.take<Real>(c.threads * symbols_padded);
        blocks = arena.take<Real>(c.threads * block * P);
    }
    static int64_t bytes(const HeadCall& call) {
        Arena arena;
        Head(call, arena);
        return arena.used + 64;
    }
    int64_t symbol_width(int64_t j) const { return c.symbols - j * P < P ? c.symbols - j * P : P; }
    int64_t unit_width(int64_t u) const { return c.units - u * P < P ? c.units - u * P : P; }
    Real* logits(int64_t row) const { return static_cast<Real*>(c.records) + row * symbols_padded; }
    // A member's blocks of rows: some behind each other, the same whenever there are as many members.
    template <class F> void each_block(int member, int members, F f) const {
        const int64_t all = (c.rows + block - 1) / block, from = all * member / members, to = all * (member + 1) / members;
        for (int64_t b = from; b < to; ++b) f(b * block, c.rows - b * block < block ? c.rows - b * block : block);
    }
    const Real* input(int64_t row) const { return static_cast<const Real*>(c.x) + row * c.x_stride; }

    void forward() const {
        const Real* w = static_cast<const Real*>(c.weight);
        for (int64_t v = 0; v < symbols_padded; ++v)  // beyond the last symbol, to the end of its vector, nothing is likely
            bias[v] = v >= c.symbols ? -LARGEST<Real> : c.bias ? static_cast<const Real*>(c.bias)[v] : Real(0);
        for (int64_t j = 0; j < symbol_panels; ++j)
            for (int64_t k = 0; k < c.units; ++k)
                for (int64_t v = 0; v < P; ++v) by_units[(j * c.units + k) * P + v] = v < symbol_width(j) ? w[(j * P + v) * c.units + k] : Real(0);
        in_team(c.threads, [&](int member, int members) {
            double sum = 0;
            each_block(member, members, [&](int64_t from, int64_t count) {
                for (int64_t j = 0; j < symbol_panels; ++j) {
                    const Term<Real> term{c.units, Operand<Real>::rows(input(from), c.x_stride), by_units + j * c.units * P, P};
                    multiply<Real>(count, symbol_width(j), &term, 1, nullptr, bias + j * P, 0, logits(from) + j * P, symbols_padded);
                }
                for (int64_t r = from; r < from + count; ++r) sum += surprise(logits(r), c.targets[r]);
            });
            nats[member] = sum;
            for (int other = members; member == 0 && other < c.threads; ++other) nats[other] = 0;
        });
        *c.nats = 0;
        for (int member = 0; member < c.threads; ++member) *c.nats += nats[member];
    }

    // -ln p(target) of a row, whose logits become their gradients. A target of -1 does not count.
    double surprise(Real* row, int64_t target) const {
        if (target < 0) {
            fill(row, Real(0), symbols_padded);
            return 0;
        }
        Vec<Real> top = load<Real>(row);
        for (int64_t v = WIDTH<Real>; v < symbols_padded; v += WIDTH<Real>) {
            const Vec<Real> one = load<Real>(row + v);
            top = one > top ? one : top;
        }
        Real most = top[0];
        for (int k = 1; k < WIDTH<Real>; ++k) most = top[k] > most ? top[k] : most;
        const Real wanted = row[target];
        Vec<Real> sums{};
        for (int64_t v = 0; v < symbols_padded; v += WIDTH<Real>) {
            const Vec<Real> e = exp_of(load<Real>(row + v) - most);
            store<Real>(row + v, e);
            sums += e;
        }
        for (int64_t v = c.symbols; v < symbols_padded; ++v) row[v] = Real(0);
        Real sum = 0;
        for (int k = 0; k < WIDTH<Real>; ++k) sum += sums[k];
        const Vec<Real> share = all<Real>(Real(1) / sum);
        for (int64_t v = 0; v < symbols_padded; v += WIDTH<Real>) store<Real>(row + v, load<Real>(row + v) * share);
        row[target] -= Real(1);
        return double(log_of(sum)) + (double(most) - double(wanted));
    }

    void backward() const {
        const Real* w = static_cast<const Real*>(c.weight);
        const Real scale = Real(c.scale);
        for (int64_t u = 0; c.dx && u < unit_panels; ++u)
            for (int64_t v = 0; v < c.symbols; ++v)
                for (int64_t k = 0; k < P; ++k) by_symbols[(u * c.symbols + v) * P + k] = k < unit_width(u) ? w[v * c.units + u * P + k] * scale : Real(0);
        in_team(c.threads, [&](int member, int members) {
            Real *own = gradients + member * c.symbols * units_padded, *own_bias = bias_gradients + member * symbols_padded;
            fill(own, Real(0), c.dweight ? c.symbols * units_padded : 0), fill(own_bias, Real(0), symbols_padded);
            each_block(member, members, [&](int64_t from, int64_t count) {
                const Real* delta = logits(from);
                Real* panel = blocks + member * block * P;
                for (int64_t r = 0; c.dbias && r < count; ++r)
                    for (int64_t v = 0; v < symbols_padded; v += WIDTH<Real>) store<Real>(own_bias + v, load<Real>(own_bias + v) + load<Real>(delta + r * symbols_padded + v));
                for (int64_t u = 0; u < unit_panels; ++u) {
                    const int64_t width = unit_width(u);
                    const bool whole = width % WIDTH<Real> == 0;  // vectors don't reach beyond the row
                    if (c.dweight) {
                        for (int64_t r = 0; !whole && r < count; ++r) copy_row(panel + r * P, input(from + r) + u * P, width);
                        const Term<Real> term{count, {delta, 1, symbols_padded, P * symbols_padded}, whole ? input(from) + u * P : panel, whole ? c.x_stride : P};
                        multiply<Real>(c.symbols, width, &term, 1, nullptr, own + u * P, units_padded, own + u * P, units_padded);
                    }
                    if (c.dx) {
                        static const Real nothing[P] = {};
                        Real* to = static_cast<Real*>(c.dx) + from * c.units + u * P;
                        const Term<Real> term{c.symbols, Operand<Real>::rows(delta, symbols_padded), by_symbols + u * c.symbols * P, P};
                        multiply<Real>(count, width, &term, 1, nullptr, nothing, 0, whole ? to : panel, whole ? c.units : P);
                        for (int64_t r = 0; !whole && r < count; ++r) copy(to + r * c.units, panel + r * P, width);
                    }
                }
            });
            wait_for_team(members);
            for (int64_t v = member; v < c.symbols; v += members) {
                for (int64_t k = 0; c.dweight && k < c.units; ++k) {
                    Real sum = 0;
                    for (int m = 0; m < members; ++m) sum += gradients[(m * c.symbols + v) * units_padded + k];
                    static_cast<Real*>(c.dweight)[v * c.units + k] = sum * scale;
                }
                Real sum = 0;
                for (int m = 0; m < members; ++m) sum += bias_gradients[m * symbols_padded + v];
                if (c.dbias) static_cast<Real*>(c.dbias)[v] = sum * scale;
            }
        });
    }
};

template <class Real>
static void head_forward(const HeadCall& call) {
    Arena arena{static_cast<char*>(call.scratch)};
    Head<Real>(call, arena).forward();
}
template <class Real>
static void head_backward(const HeadCall& call) {
    Arena arena{static_cast<char*>(call.scratch)};
    Head<Real>(call, arena).backward();
}
template <class Real>
static int64_t head_record_bytes(const HeadCall& call) { return call.rows * ((call.symbols + WIDTH<Real> - 1) / WIDTH<Real> * WIDTH<Real>) * int64_t(sizeof(Real)); }
template <class Real>
constexpr HeadPasses head_passes = {sizeof(Real), head_forward<Real>, head_backward<Real>, Head<Real>::bytes, head_record_bytes<Real>};
