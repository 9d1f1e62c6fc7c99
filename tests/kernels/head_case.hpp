// The end of a language model as the harness runs it: logits, cross entropy and gradients against sums written out one by one.
#pragma once
#include "layer.hpp"

struct HeadCase {
    int64_t rows, units, symbols, gap;
    int threads, wanted;  // bits: gradients of rows, weight, bias; 8: there is a bias; 16: some rows do not count
    explicit HeadCase(std::istream& in) : rows(read(in)), units(read(in)), symbols(read(in)), gap(read(in)), threads(read(in)), wanted(read(in)) {}
};

struct HeadNumbers {
    Numbers x, weight, bias, nats, of[3];
    std::vector<int64_t> targets;
};

inline HeadNumbers make_head(const HeadCase& c, unsigned seed) {
    std::mt19937 random(seed);
    auto some = [&](int64_t count, double size) {
        Numbers found(count);
        for (double& one : found) one = float(std::uniform_real_distribution<double>(-size, size)(random));
        return found;
    };
    HeadNumbers n;
    n.x = some(c.rows * c.units, 1.5);
    n.weight = some(c.symbols * c.units, 2 / std::sqrt(c.units));
    if (c.wanted & 8) n.bias = some(c.symbols, 3);
    for (int64_t r = 0; r < c.rows; ++r) n.targets.push_back(c.wanted & 16 && r % 3 == 1 ? -1 : int64_t(random() % c.symbols));
    return n;
}

// By hand: p = softmax(W x + b), loss = -scale ln p[target], and the derivatives of that.
inline void reference(const HeadCase& c, HeadNumbers& n, double scale) {
    n.nats.assign(1, 0);
    n.of[0].assign(c.rows * c.units, 0), n.of[1].assign(c.symbols * c.units, 0), n.of[2].assign(c.symbols, 0);
    for (int64_t r = 0; r < c.rows; ++r) {
        if (n.targets[r] < 0) continue;
        Numbers p(c.symbols);
        double sum = 0;
        for (int64_t v = 0; v < c.symbols; ++v) {
            double logit = n.bias.empty() ? 0 : n.bias[v];
            for (int64_t k = 0; k < c.units; ++k) logit += n.weight[v * c.units + k] * n.x[r * c.units + k];
            sum += p[v] = std::exp(logit);
        }
        n.nats[0] -= std::log(p[n.targets[r]] / sum);
        for (int64_t v = 0; v < c.symbols; ++v) {
            const double delta = scale * (p[v] / sum - (v == n.targets[r]));
            n.of[2][v] += delta;
            for (int64_t k = 0; k < c.units; ++k) n.of[0][r * c.units + k] += delta * n.weight[v * c.units + k], n.of[1][v * c.units + k] += delta * n.x[r * c.units + k];
        }
    }
}

template <class Real>
void check_head(const HeadPasses& passes, const HeadCase& c, const HeadNumbers& n, double scale, double tolerance) {
    const Buffer<Real> x(n.x, c.units, c.units + c.gap), weight(n.weight, 1, 1), bias(n.bias, 1, 1);
    Numbers earlier;
    for (int again = 0; again < 2; ++again) {
        Buffer<Real> dx(c.rows * c.units), dweight(c.symbols * c.units), dbias(c.symbols);
        double nats = 0;
        HeadCall call{c.rows, c.units, c.symbols, c.threads, x.data.get(), c.units + c.gap, weight.data.get(), n.bias.empty() ? nullptr : bias.data.get(), n.targets.data(),
                      &nats, nullptr, scale, c.wanted & 1 ? dx.data.get() : nullptr, c.wanted & 2 ? dweight.data.get() : nullptr, c.wanted & 4 ? dbias.data.get() : nullptr, nullptr};
        const Space records(passes.record_bytes(call)), scratch(passes.scratch_bytes(call)), more(passes.scratch_bytes(call));
        call.records = records.data, call.scratch = scratch.data;
        passes.forward(call);
        call.scratch = more.data;
        passes.backward(call);
        Numbers found{nats};
        const Buffer<Real>* made[] = {&dx, &dweight, &dbias};
        if (!(std::fabs(nats - n.nats[0]) <= tolerance * (1 + std::fabs(n.nats[0])))) return complain("the nats are off by " + std::to_string(nats - n.nats[0]));
        for (int k = 0; k < 3; ++k)
            for (int64_t i = 0; c.wanted >> k & 1 && i < made[k]->count; ++i) {
                const double one = made[k]->data[i];
                found.push_back(one);
                if (!(std::fabs(one - n.of[k][i]) <= tolerance * (1 + double(c.rows) / 50))) return complain("gradient " + std::to_string(k) + " is off by " + std::to_string(one - n.of[k][i]));
            }
        if (again && std::memcmp(found.data(), earlier.data(), 8 * found.size())) return complain("another run gives other bits");
        earlier = found;
    }
}
