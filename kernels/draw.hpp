// From logits to a symbol: temperature, top-k, top-p, and the first symbol whose cumulative probability exceeds u. In double precision, and
// in the order of operations of elman.models.drawing, so that both draw the same.
#pragma once

// Symbols from the likeliest down, found one by one: a heap, behind which those that were taken stand, the likeliest at the very end. Of
// equal ones the lower number comes first.
struct Ranking {
    const double* value;
    int* heap;
    int64_t count, size;

    Ranking(const double* v, int* memory, int64_t symbols) : value(v), heap(memory), count(symbols), size(symbols) {
        for (int64_t i = 0; i < count; ++i) heap[i] = int(i);
        for (int64_t i = count / 2; i-- > 0;) sink(i);
    }
    // The symbol of that rank.
    int operator[](int64_t rank) {
        while (count - size <= rank) {
            const int first = heap[0];
            heap[0] = heap[--size];
            heap[size] = first;
            if (size > 0) sink(0);
        }
        return heap[count - 1 - rank];
    }
    // Only the first `kept` stay possible; their chances are scaled to sum 1.
    void keep(int64_t kept, double* chance) {
        double sum = 0;
        for (int64_t rank = 0; rank < kept; ++rank) sum += chance[(*this)[rank]];
        for (int64_t i = 0; i < count - kept; ++i) chance[heap[i]] = 0;
        for (int64_t i = count - kept; i < count; ++i) chance[heap[i]] /= sum;
    }

  private:
    // Without branches, as nobody could foretell them.
    bool before(int a, int b) const { return (value[a] > value[b]) | ((value[a] == value[b]) & (a < b)); }
    void sink(int64_t at) {
        const int moved = heap[at];
        for (int64_t child; (child = 2 * at + 1) < size; at = child) {
            child += (child + 1 < size) & before(heap[child + 1], heap[child]);
            if (!before(heap[child], moved)) break;
            heap[at] = heap[child];
        }
        heap[at] = moved;
    }
};

// Workspace of one draw: two rows of V doubles to whole vectors, and V whole numbers.
struct DrawSpace {
    double *value, *chance;
    int* heap;

    DrawSpace(int64_t symbols, Arena& arena) {
        const int64_t whole = (symbols + WIDTH<double> - 1) / WIDTH<double> * WIDTH<double>;
        value = arena.take<double>(whole);
        chance = arena.take<double>(whole);
        heap = arena.take<int>(symbols + 1);  // the last place is looked at, and of no account
    }
};

// The symbol, or -1 where a logit is NaN or +inf, or all are -inf.
template <class Real>
static int64_t draw(const Real* logits, int64_t count, const Drawing& d, double u, const DrawSpace& space) {
    double *value = space.value, *chance = space.chance;
    double top = -__builtin_inf();
    bool sound = true;
    for (int64_t i = 0; i < count; ++i) {
        const double v = i == d.never ? -__builtin_inf() : double(logits[i]);
        value[i] = v;
        sound &= v == v;
        top = v > top ? v : top;
    }
    if (!sound || top - top != 0) return -1;
    if (d.temperature == 0)
        for (int64_t i = 0;; ++i)
            if (value[i] == top) return i;
    for (int64_t i = count; i % WIDTH<double>; ++i) value[i] = -__builtin_inf();
    Vec<double> sums{};
    for (int64_t i = 0; i < count; i += WIDTH<double>) {
        const Vec<double> x = (load(value + i) - top) / d.temperature, e = x < -745.0 ? Vec<double>{} : exp_of(x);
        sums += e;
        store(chance + i, e);
    }
    double sum = 0;
    for (int i = 0; i < WIDTH<double>; ++i) sum += sums[i];
    for (int64_t i = 0; i < count; ++i) chance[i] /= sum;
    if (d.top_k || d.top_p < 1) {
        Ranking ranked(value, space.heap, count);
        int64_t kept = d.top_k ? d.top_k : count;
        if (d.top_k) ranked.keep(kept, chance);
        if (d.top_p < 1) {  // a symbol stays if those before it do not yet reach top_p
            int64_t fewer = 0;
            for (double before = 0; fewer < kept && before < d.top_p; ++fewer) before += chance[ranked[fewer]];
            ranked.keep(fewer, chance);
        }
    }
    double total = 0;
    for (int64_t i = 0; i < count; ++i) chance[i] = total += chance[i];
    int64_t symbol = 0;
    while (symbol < count - 1 && !(chance[symbol] > u * total)) ++symbol;
    return symbol;
}
