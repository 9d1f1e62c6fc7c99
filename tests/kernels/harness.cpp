// The engine without Python: reads plans and cases, runs them forward and back with every build of the kernels it is linked with,
// and holds every number against the reference. Says what is off in the first case that is, and exits with 1.
#include <iostream>

#include "head_case.hpp"
#include "reference.hpp"

namespace elman {
extern const Kernels KERNELS_LIST;  // by the compiler's command line: kernels_avx2, kernels_portable
bool request_matrix_tiles();
extern const Pairs pairs_in_tiles, pairs_by_dots;
}  // namespace elman

static int runs = 0;

// By name, the reference's numbers in the order of `Layer::found`.
static Numbers wanted(const std::string& name, const Result& r) {
    const int at = name.back() - '0';
    if (name == "y") return r.y;
    if (name == "gradient of x") return r.gradients.x;
    if (name.starts_with("final")) return r.last[at];
    if (name.starts_with("gradient of state")) return r.gradients.states[at];
    return r.gradients.weights[at][name[19] - '0'];
}

template <class Real>
static void check(const Kernels& kernels, const Engine& engine, const Pairs* pairs, const Plan& p, const Case& c, const Values& given, const Values& sent, const Result& truth, double tolerance) {
    const int before = problems;
    Layer<Real> first(engine, pairs, p, c, given, sent), second(engine, pairs, p, c, given, sent);
    first.run(kernels);
    second.run(kernels);
    ++runs;
    for (size_t k = 0; k < first.found.size() && problems == before; ++k) {
        const auto& [name, numbers] = first.found[k];
        const Numbers right = wanted(name, truth);
        double off = 0, size = 0;
        for (size_t i = 0; i < numbers.size(); ++i) {
            const double d = std::fabs(numbers[i] - right[i]);
            off = d <= off ? off : d;  // NaN is as far as it gets, and stays
            if (!(d == d)) { off = HUGE_VAL; break; }
            size = std::fmax(size, std::fabs(right[i]));
        }
        if (numbers.size() != right.size() || !(off <= tolerance * (1 + size))) complain(name + " is off by " + std::to_string(off));
        else if (std::memcmp(numbers.data(), second.found[k].numbers.data(), 8 * numbers.size())) complain(name + ": another run gives other bits");
    }
}

// The reference itself: its gradients against differences of its own values.
static void check_differences(const Plan& p, const Case& c, Values& given, const Values& sent, const Result& truth) {
    auto value = [&] {
        const Result r = Reference(p, c, given, sent, false).run();
        double sum = 0;
        for (size_t i = 0; i < sent.y.size(); ++i) sum += r.y[i] * sent.y[i];
        for (size_t k = 0; k < sent.states.size(); ++k)
            for (size_t i = 0; i < sent.states[k].size(); ++i) sum += r.last[k][i] * sent.states[k][i];
        return sum;
    };
    auto test = [&](Numbers& numbers, const Numbers& gradient, const char* name) {
        for (size_t at = 0; at < numbers.size(); at += 1 + numbers.size() / 3) {
            const double one = numbers[at], step = 1e-6;
            numbers[at] = one + step;
            const double above = value();
            numbers[at] = one - step;
            const double slope = (above - value()) / (2 * step);
            numbers[at] = one;
            if (!(std::fabs(slope - gradient[at]) <= 1e-6 * (1 + std::fabs(slope)))) complain(std::string("the reference's own gradient of ") + name + " is no slope");
        }
    };
    test(given.x, truth.gradients.x, "x");
    for (size_t k = 0; k < given.states.size(); ++k) test(given.states[k], truth.gradients.states[k], "a state");
    for (int d = 0; d < c.directions; ++d)
        for (int w = 0; w < 5; ++w) test(given.weights[d][w], truth.gradients.weights[d][w], "a weight");
}

// The products of bfloat16 pairs that go with a build and that this processor has.
static std::vector<const Pairs*> pairs_of(const Kernels& kernels) {
    std::vector<const Pairs*> found{&kernels.pairs};
#ifdef SPECIAL_PAIRS
    if (std::string(kernels.name) == "avx512") {
        if (__builtin_cpu_supports("avx512bf16")) found.push_back(&pairs_by_dots);
        if (__builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("amx-tile") && request_matrix_tiles()) found.push_back(&pairs_in_tiles);
    }
#endif
    return found;
}

int main() {
    const Kernels builds[] = {KERNELS_LIST};
    std::vector<Plan> plans;
    int number = 0;
    for (std::string word; !problems && std::cin >> word;) {
        if (word == "plan") {
            plans.emplace_back(std::cin);
            continue;
        }
        if (word == "head") {
            const HeadCase c(std::cin);
            HeadNumbers n = make_head(c, ++number);
            reference(c, n, 0.7);
            for (const Kernels& kernels : builds) {
                where = "case " + std::to_string(number) + ", head on " + kernels.name;
                check_head<double>(kernels.head_f64, c, n, 0.7, 1e-11);
                check_head<float>(kernels.head_f32, c, n, 0.7, 1e-4);
                runs += 2;
            }
            continue;
        }
        const Plan& p = plans.at(read(std::cin));
        const Case c(std::cin);
        Values given = make_values(p, c, ++number), sent = make_values(p, c, number + 1000000);
        if (!c.has(GRAD_LAST)) sent.states.clear();
        where = "case " + std::to_string(number) + ", " + p.name;
        const Result truth = Reference(p, c, given, sent, false).run();
        if (c.has(DIFFERENCES)) check_differences(p, c, given, sent, truth);
        const Result rounded = Reference(p, c, given, sent, true).run();
        const std::string here = where + " on ";
        for (const Kernels& kernels : builds) {
            where = here + kernels.name + ", float64";
            check<double>(kernels, kernels.f64, nullptr, p, c, given, sent, truth, 1e-11);
            where = here + kernels.name + ", float32";
            check<float>(kernels, kernels.f32, nullptr, p, c, given, sent, truth, 1e-4);
            for (const Pairs* pairs : pairs_of(kernels)) {
                where = here + kernels.name + ", bfloat16" + (pairs == &kernels.pairs ? "" : ", special instructions");
                check<float>(kernels, kernels.bf16, pairs, p, c, given, sent, rounded, 2e-2);
            }
        }
    }
    std::printf("%d cases, %d runs, %d problems\n", number, runs, problems);
    return problems || !number;
}
