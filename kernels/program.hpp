// Pointwise programs: instructions over registers of `count` numbers, each a stretch of memory that stays in L1.
#pragma once

template <class Real, class F>
INLINE void unary(Real* out, const Real* a, int64_t count, F f) {
    for (int64_t i = 0; i < count; i += WIDTH<Real>) store<Real>(out + i, f(load<Real>(a + i)));
}
template <class Real, class F>
INLINE void binary(Real* out, const Real* a, const Real* b, int64_t count, F f) {
    for (int64_t i = 0; i < count; i += WIDTH<Real>) store<Real>(out + i, f(load<Real>(a + i), load<Real>(b + i)));
}

static float log_of(float v) { return __builtin_logf(v); }
static double log_of(double v) { return __builtin_log(v); }
static float sqrt_of(float v) { return __builtin_sqrtf(v); }
static double sqrt_of(double v) { return __builtin_sqrt(v); }
static float log1p_of(float v) { return __builtin_log1pf(v); }
static double log1p_of(double v) { return __builtin_log1p(v); }

// How many numbers of each register are worked on at a time: ten registers of this size share a first-level cache.
template <class Real> constexpr int64_t CHUNK = 2048 / sizeof(Real) / PANEL<Real> * PANEL<Real> < PANEL<Real> ? PANEL<Real> : 2048 / sizeof(Real) / PANEL<Real> * PANEL<Real>;

// A program's registers: register k is block[k], a stretch of rows x PANEL numbers; constant k is block[-1 - k], CHUNK numbers.
template <class Real>
struct Registers {
    Real* const* block;
    int64_t offset;
    Real* operator[](int operand) const { return block[operand] + (operand >= 0 ? offset : 0); }
};

// At most CHUNK numbers at a time.
template <class Real>
static void run_chunk(const Program& program, Registers<Real> registers, int64_t count) {
    using V = Vec<Real>;
    for (int k = 0; k < program.length; ++k) {
        const Instruction& step = program.code[k];
        Real* out = registers[step.result];
        const Real *a = registers[step.left], *b = registers[step.right];
        switch (step.op) {
            case Op::add: binary<Real>(out, a, b, count, [](V x, V y) { return x + y; }); break;
            case Op::subtract: binary<Real>(out, a, b, count, [](V x, V y) { return x - y; }); break;
            case Op::multiply: binary<Real>(out, a, b, count, [](V x, V y) { return x * y; }); break;
            case Op::divide: binary<Real>(out, a, b, count, [](V x, V y) { return x / y; }); break;
            case Op::maximum: binary<Real>(out, a, b, count, [](V x, V y) { return x != x ? x : y != y ? y : x > y ? x : y; }); break;
            case Op::minimum: binary<Real>(out, a, b, count, [](V x, V y) { return x != x ? x : y != y ? y : x < y ? x : y; }); break;
            case Op::negative: unary<Real>(out, a, count, [](V x) { return -x; }); break;
            case Op::sigmoid: unary<Real>(out, a, count, [](V x) { return sigmoid_of(x); }); break;
            case Op::tanh: unary<Real>(out, a, count, [](V x) { return tanh_of(x); }); break;
            case Op::relu: unary<Real>(out, a, count, [](V x) { return x < Real(0) ? V{} : x; }); break;
            case Op::exp: unary<Real>(out, a, count, [](V x) { return exp_of(x); }); break;
            case Op::absolute: unary<Real>(out, a, count, [](V x) { return x < Real(0) ? -x : x + Real(0); }); break;
            case Op::sign: unary<Real>(out, a, count, [](V x) { return x > Real(0) ? all<Real>(1) : x < Real(0) ? all<Real>(-1) : x; }); break;
            case Op::positive: unary<Real>(out, a, count, [](V x) { return x > Real(0) ? all<Real>(1) : V{}; }); break;
            case Op::softsign: unary<Real>(out, a, count, [](V x) {
                    x = at_least(at_most(x, LARGEST<Real>), -LARGEST<Real>);  // infinity over infinity is not a number
                    return x / (Real(1) + (x < Real(0) ? -x : x));
                }); break;
            case Op::log: for (int64_t i = 0; i < count; ++i) out[i] = log_of(a[i]); break;
            case Op::sqrt: for (int64_t i = 0; i < count; ++i) out[i] = sqrt_of(a[i]); break;
            case Op::softplus:
                // max(x, 0) + log(1 + e^-|x|), which does not overflow.
                unary<Real>(out, a, count, [](V x) {
                    V fine = each<Real, log1p_of>(exp_of(x < Real(0) ? x : -x));
                    return fine + (x < Real(0) ? V{} : x);
                });
                break;
            case Op::count: break;
        }
    }
}

template <class Real>
static void run_program(const Program& program, Real* const* block, int64_t count) {
    for (int64_t at = 0; at < count; at += CHUNK<Real>) run_chunk<Real>(program, {block, at}, count - at < CHUNK<Real> ? count - at : CHUNK<Real>);
}
