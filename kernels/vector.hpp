// Vectors of the width that this build is for, in the compiler's own vector extension, and elementary functions on them.
// Included once for each instruction set, inside its namespace. Every function lets NaN through.
#pragma once

template <class Real> struct Lane;
template <> struct Lane<float> {
    using Int = int32_t;
    typedef float V __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
    typedef int32_t VI __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
};
template <> struct Lane<double> {
    using Int = int64_t;
    typedef double V __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));
    typedef int64_t VI __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));
};
template <class Real> using Vec = typename Lane<Real>::V;
template <class Real> using VecInt = typename Lane<Real>::VI;
template <class Real> constexpr int WIDTH = VECTOR_BYTES / sizeof(Real);

#define INLINE static inline __attribute__((always_inline))

template <class Real> INLINE Vec<Real> load(const Real* p) { return *reinterpret_cast<const Vec<Real>*>(p); }
template <class Real> INLINE void store(Real* p, Vec<Real> v) { *reinterpret_cast<Vec<Real>*>(p) = v; }
// Minus zero, which the compiler drops; plus zero would be an addition, as it turns -0 into 0.
template <class Real> INLINE Vec<Real> all(Real value) { return value - Vec<Real>{}; }
// Which lanes of two vectors change places when blocks of `distance` do: indices of the first and the second result, as the compiler would
// not work them out beforehand.
template <class Real>
struct Exchange {
    alignas(64) typename Lane<Real>::Int low[WIDTH<Real>], high[WIDTH<Real>];
    constexpr explicit Exchange(int distance) : low{}, high{} {
        for (int k = 0; k < WIDTH<Real>; ++k) {
            low[k] = k & distance ? WIDTH<Real> + k - distance : k;
            high[k] = k & distance ? WIDTH<Real> + k : k + distance;
        }
    }
};
template <class Real, int DISTANCE> constexpr Exchange<Real> exchange{DISTANCE};
// Rows become columns: at each stage, blocks of `DISTANCE` change places across the diagonal.
template <class Real, int DISTANCE = 1>
INLINE void transpose(Vec<Real>* row) {
    if constexpr (DISTANCE < WIDTH<Real>) {
#pragma GCC unroll 64
        for (int i = 0; i < WIDTH<Real>; ++i) {
            if (i & DISTANCE) continue;
            const Vec<Real> a = row[i], b = row[i + DISTANCE];
#if defined(__clang__)
            for (int k = 0; k < WIDTH<Real>; ++k) row[i][k] = k & DISTANCE ? b[k - DISTANCE] : a[k], row[i + DISTANCE][k] = k & DISTANCE ? b[k] : a[k + DISTANCE];
#else
            row[i] = __builtin_shuffle(a, b, *reinterpret_cast<const VecInt<Real>*>(exchange<Real, DISTANCE>.low));
            row[i + DISTANCE] = __builtin_shuffle(a, b, *reinterpret_cast<const VecInt<Real>*>(exchange<Real, DISTANCE>.high));
#endif
        }
        transpose<Real, 2 * DISTANCE>(row);
    }
}

// What the instruction set does better than a comparison and a choice, or than a division. Both bounds give v itself where v is NaN.
#if VECTOR_BYTES == 64
INLINE Vec<float> at_most(Vec<float> v, float top) { return (Vec<float>)_mm512_min_ps(_mm512_set1_ps(top), (__m512)v); }
INLINE Vec<float> at_least(Vec<float> v, float bottom) { return (Vec<float>)_mm512_max_ps(_mm512_set1_ps(bottom), (__m512)v); }
// a 2^n, also where 2^n alone or the result is too large or too small for a normal number.
INLINE Vec<float> scaled(Vec<float> a, Vec<float> n) { return (Vec<float>)_mm512_scalef_ps((__m512)a, (__m512)n); }
// a / b, for b between 1 and 1e38 and a between 0 and b: an approximate reciprocal, a step of Newton's, and the remainder put right.
INLINE Vec<float> quotient(Vec<float> a, Vec<float> b) {
    Vec<float> r = (Vec<float>)_mm512_rcp14_ps((__m512)b);
    r = r * (2.0f - b * r);
    Vec<float> q = a * r;
    return q + (a - b * q) * r;
}
#else
INLINE Vec<float> at_most(Vec<float> v, float top) { return v > top ? all<float>(top) : v; }
INLINE Vec<float> at_least(Vec<float> v, float bottom) { return v < bottom ? all<float>(bottom) : v; }
INLINE Vec<float> scaled(Vec<float> a, Vec<float> n) {  // two factors, as 2^n may have no normal number; |n| at most 252
    VecInt<float> k = __builtin_convertvector(n, VecInt<float>), half = k >> 1;
    return a * (Vec<float>)((half + 127) << 23) * (Vec<float>)((k - half + 127) << 23);
}
INLINE Vec<float> quotient(Vec<float> a, Vec<float> b) { return a / b; }
#endif
INLINE Vec<double> at_most(Vec<double> v, double top) { return v > top ? all<double>(top) : v; }
INLINE Vec<double> at_least(Vec<double> v, double bottom) { return v < bottom ? all<double>(bottom) : v; }

template <class Real> constexpr Real LARGEST = sizeof(Real) == 4 ? Real(3.4028234663852886e38) : Real(1.7976931348623157e308);

INLINE Vec<float> rounded(Vec<float> x) { return (x + 12582912.0f) - 12582912.0f; }  // 1.5 * 2^23; for |x| below 2^22

// e^x - 1 = 2^n (e^r - 1) + (2^n - 1) with |r| <= ln 2 / 2: exact near 0. Gives both parts: `minus_one` is e^r - 1, `n` the exponent.
INLINE void exp_parts(Vec<float> x, Vec<float>& minus_one, Vec<float>& n) {
    n = rounded(x * 1.44269504088896341f);
    Vec<float> r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    Vec<float> p = all<float>(1.9875691500e-4f);  // Cephes' polynomial
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    minus_one = p * (r * r) + r;
}
INLINE Vec<float> exp_of(Vec<float> x) {
    Vec<float> p, n;
    exp_parts(at_least(at_most(x, 89.0f), -104.0f), p, n);
    return scaled(p + 1.0f, n);
}
INLINE Vec<double> exp_of(Vec<double> x) {  // Cephes
    Vec<double> whole = x;
    x = at_least(at_most(x, 709.78), -745.1);
    Vec<double> shifted = x * 1.4426950408889634073599 + 6755399441055744.0;
    Vec<double> n = shifted - 6755399441055744.0;
    Vec<double> r = x - n * 6.93145751953125e-1;
    r = r - n * 1.42860682030941723212e-6;
    Vec<double> z = r * r;
    Vec<double> p = r * ((1.26177193074810590878e-4 * z + 3.02994407707441961300e-2) * z + 9.99999999999999999910e-1);
    Vec<double> q = ((3.00198505138664455042e-6 * z + 2.52448340349684104192e-3) * z + 2.27265548208155028766e-1) * z + 2.0;
    Vec<double> e = 1.0 + 2.0 * (p / (q - p));
    VecInt<double> k = (VecInt<double>)shifted - (VecInt<double>)all<double>(6755399441055744.0);
    VecInt<double> half = k >> 1;
    VecInt<double> a = (half + 1023) << 52, b = (k - half + 1023) << 52;
    return whole > 709.7827 ? all<double>(__builtin_inf()) : e * (Vec<double>)a * (Vec<double>)b;
}

// A polynomial near 0 (Cephes), where the error must stay relative; elsewhere 1 - 2w / (1 + w) with w = e^(-2|x|), of which the 1 is exact:
// gradients have 1 - tanh^2, and would feel every last digit.
INLINE Vec<float> tanh_of(Vec<float> x) {
    const Vec<float> z = x * x, magnitude = x < 0.0f ? -x : x;
    Vec<float> small = -5.70498872745e-3f * z + 2.06390887954e-2f;
    small = small * z - 5.37397155531e-2f;
    small = small * z + 1.33314422036e-1f;
    small = small * z - 3.33332819422e-1f;
    small = small * z * x + x;
    Vec<float> p, n;
    exp_parts(at_most(magnitude, 20.0f) * -2.0f, p, n);
    const Vec<float> w = scaled(p + 1.0f, n);
    Vec<float> large = 1.0f - quotient(w + w, w + 1.0f);
    large = x < 0.0f ? -large : large;
    return magnitude < 0.625f ? small : large;
}
// A quotient of polynomials near 0, where the error must stay relative, and by exp elsewhere (Cephes).
INLINE Vec<double> tanh_of(Vec<double> x) {
    Vec<double> z = x * x;
    Vec<double> p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3;
    Vec<double> q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3;
    Vec<double> small = x + x * z * (p / q);
    Vec<double> magnitude = x < 0.0 ? -x : x;
    Vec<double> large = 1.0 - 2.0 / (exp_of(at_most(magnitude, 400.0) * 2.0) + 1.0);
    large = x < 0.0 ? -large : large;
    return magnitude < 0.625 ? small : large;
}
// Below -87 it stays at e^-87: from there on the quotient's own steps would leave the normal numbers.
INLINE Vec<float> sigmoid_of(Vec<float> x) {
    Vec<float> p, n;
    exp_parts(at_most(at_least(-x, -87.0f), 87.0f), p, n);
    return quotient(all<float>(1.0f), scaled(p + 1.0f, n) + 1.0f);
}
INLINE Vec<double> sigmoid_of(Vec<double> x) { return 1.0 / (1.0 + exp_of(-x)); }

// One library call a lane, for functions that recurrent cells seldom use.
template <class Real, Real (*F)(Real)> INLINE Vec<Real> each(Vec<Real> v) {
    Vec<Real> result{};
    for (int i = 0; i < WIDTH<Real>; ++i) result[i] = F(v[i]);
    return result;
}
