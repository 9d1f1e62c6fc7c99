// The oracle: one sequence, one unit and one product at a time, in double precision. Nothing of the engine is used here but its data.
#pragma once
#include <cmath>

#include "case.hpp"

inline double apply(Op op, double a, double b) {
    switch (op) {
        case Op::add: return a + b;
        case Op::subtract: return a - b;
        case Op::multiply: return a * b;
        case Op::divide: return a / b;
        case Op::negative: return -a;
        case Op::sigmoid: return 1 / (1 + std::exp(-a));
        case Op::tanh: return std::tanh(a);
        case Op::relu: return a > 0 ? a : 0;
        case Op::softsign: return a / (1 + std::fabs(a));
        case Op::softplus: return std::fmax(a, 0.0) + std::log1p(std::exp(-std::fabs(a)));
        case Op::exp: return std::exp(a);
        case Op::log: return std::log(a);
        case Op::sqrt: return std::sqrt(a);
        case Op::absolute: return std::fabs(a);
        case Op::sign: return a > 0 ? 1 : a < 0 ? -1 : 0;
        case Op::positive: return a > 0 ? 1 : 0;
        case Op::maximum: return a > b ? a : b;
        case Op::minimum: return a < b ? a : b;
        default: std::abort();
    }
}

struct Result {
    Numbers y;
    std::vector<Numbers> last;
    Values gradients;
};

// `sent`: gradients of y and of the final states; what is absent is zero. `half`: factors of matrix products are rounded to bfloat16.
class Reference {
  public:
    Reference(const Plan& plan, const Case& sizes, const Values& given, const Values& sent, bool half) : p(plan), c(sizes), v(given), g(sent), half(half), H(c.units), B(c.batch()), S(plan.history.size()) {}

    Result run() {
        out.y.assign(c.rows * c.directions * H, 0);
        out.last.assign(S, Numbers(c.directions * B * H));
        out.gradients.x.assign(v.x.size(), 0);
        out.gradients.states = out.last;
        for (int d = 0; d < 2; ++d)
            for (int w = 0; w < 5; ++w) out.gradients.weights[d][w].assign(v.weights[d][w].size(), 0);
        for (int d = 0; d < c.directions; ++d)
            for (int b = 0; b < B; ++b) sequence(d, b);
        return out;
    }

  private:
    struct Step {
        int64_t row;
        std::vector<Numbers> old_states, new_states, saved;  // [which][unit]
    };

    double factor(double value) const {
        if (!half) return value;
        const float single = float(value);
        uint32_t bits;
        std::memcpy(&bits, &single, 4);
        bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
        float rounded;
        std::memcpy(&rounded, &bits, 4);
        return rounded;
    }
    int64_t in_table(int d, int64_t row, int x) const {
        const int64_t blocks = Plan::used(p.x_block);
        return ((c.tokens[row] * c.directions + d) * blocks + x) * H;
    }
    double bias(int d, int which, int64_t at) const { return v.weights[d][which].empty() ? 0 : v.weights[d][which][at]; }

    template <class Input, class Output>
    static void interpret(const OwnProgram& program, Input input, Output output) {
        Numbers registers(program.registers);
        auto at = [&](int place) { return place < 0 ? program.constants[-1 - place] : registers[place]; };
        for (const Slot& slot : program.inputs) registers[slot.place] = input(slot);
        for (const Instruction& step : program.code) registers[step.result] = apply(step.op, at(step.left), at(step.right));
        for (const Slot& slot : program.outputs) output(slot, at(slot.place));
    }

    void sequence(int d, int b) {
        int length = 0;
        while (length < c.steps() && c.sizes[length] > b) ++length;
        std::vector<Numbers> state;
        for (size_t k = 0; k < S; ++k) state.emplace_back(&v.states[k][(d * B + b) * H], &v.states[k][(d * B + b) * H] + H);
        std::vector<Step> steps;
        for (int at = 0; at < length; ++at) steps.push_back(forward(d, c.starts[d ? length - 1 - at : at] + b, state));
        std::vector<Numbers> delta(S, Numbers(H));
        for (size_t k = 0; k < S; ++k)
            for (int64_t i = 0; i < H; ++i) {
                out.last[k][(d * B + b) * H + i] = state[k][i];
                delta[k][i] = g.states.empty() ? 0 : g.states[k][(d * B + b) * H + i];
            }
        for (int at = length - 1; at >= 0; --at) backward(d, steps[at], delta);
        for (size_t k = 0; k < S; ++k)
            for (int64_t i = 0; i < H; ++i) out.gradients.states[k][(d * B + b) * H + i] = delta[k][i];
    }

    Step forward(int d, int64_t row, std::vector<Numbers>& state) {
        Step step{row, state, state, std::vector<Numbers>(p.saved, Numbers(H))};
        for (int64_t i = 0; i < H; ++i) {
            auto column = [&](int which) {
                double sum = 0;
                if (const int x = p.x_block[which]; x >= 0 && c.table) {
                    sum += v.x[in_table(d, row, x) + i];
                } else if (x >= 0) {
                    for (int64_t k = 0; k < c.inputs; ++k) sum += factor(v.weights[d][0][(x * H + i) * c.inputs + k]) * factor(v.x[row * c.inputs + k]);
                    sum += bias(d, 2, x * H + i);
                }
                if (const int h = p.h_block[which]; h >= 0) {
                    for (int64_t k = 0; k < H; ++k) sum += factor(v.weights[d][1][(h * H + i) * H + k]) * factor(state[0][k]);
                    sum += bias(d, 3, h * H + i);
                }
                return sum;
            };
            interpret(p.forward,
                [&](const Slot& s) { return s.kind == Kind::column ? column(s.index) : s.kind == Kind::vector ? v.weights[d][4][s.index * H + i] : state[s.index][i]; },
                [&](const Slot& s, double value) { (s.kind == Kind::saved ? step.saved : step.new_states)[s.index][i] = value; });
            out.y[(row * c.directions + d) * H + i] = step.new_states[0][i];
        }
        state = step.new_states;
        return step;
    }

    void backward(int d, const Step& step, std::vector<Numbers>& delta) {
        std::vector<Numbers> columns(p.x_block.size(), Numbers(H)), before(S, Numbers(H));
        for (int64_t i = 0; i < H; ++i) {
            if (!g.y.empty()) delta[0][i] += g.y[(step.row * c.directions + d) * H + i];
            interpret(p.backward,
                [&](const Slot& s) {
                    switch (s.kind) {
                        case Kind::saved: return step.saved[s.index][i];
                        case Kind::gradient: return delta[s.index][i];
                        case Kind::vector: return v.weights[d][4][s.index * H + i];
                        case Kind::state_new: return step.new_states[s.index][i];
                        default: return step.old_states[s.index][i];
                    }
                },
                [&](const Slot& s, double value) {
                    if (s.kind == Kind::vector) out.gradients.weights[d][4][s.index * H + i] += value;
                    else (s.kind == Kind::column ? columns : before)[s.index][i] = value;
                });
        }
        auto& gradient = out.gradients.weights[d];
        for (size_t which = 0; which < columns.size(); ++which)
            for (int64_t i = 0; i < H; ++i) {
                const double sent = columns[which][i], sent_factor = factor(sent);
                if (const int64_t at = p.x_block[which] * H + i; p.x_block[which] >= 0 && c.table) {
                    out.gradients.x[in_table(d, step.row, p.x_block[which]) + i] += sent;
                } else if (p.x_block[which] >= 0) {
                    for (int64_t k = 0; k < c.inputs; ++k) {
                        gradient[0][at * c.inputs + k] += sent_factor * factor(v.x[step.row * c.inputs + k]);
                        out.gradients.x[step.row * c.inputs + k] += sent_factor * factor(v.weights[d][0][at * c.inputs + k]);
                    }
                    if (!gradient[2].empty()) gradient[2][at] += sent;
                }
                if (const int64_t at = p.h_block[which] * H + i; p.h_block[which] >= 0) {
                    for (int64_t k = 0; k < H; ++k) {
                        gradient[1][at * H + k] += sent_factor * factor(step.old_states[0][k]);
                        before[0][k] += sent_factor * factor(v.weights[d][1][at * H + k]);
                    }
                    if (!gradient[3].empty()) gradient[3][at] += sent;
                }
            }
        delta = before;
    }

    const Plan& p;
    const Case& c;
    const Values &v, &g;
    const bool half;
    const int64_t H, B;
    const size_t S;
    Result out;
};
