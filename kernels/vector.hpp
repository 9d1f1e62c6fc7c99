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
template <class Real> INLINE Vec<Real> all(Real value) { return Vec<Real>{} + value; }
// Comparisons with NaN are false, so both give v itself where v is NaN.
template <class Real> INLINE Vec<Real> at_most(Vec<Real> v, Real top) { return v > top ? all<Real>(top) : v; }
template <class Real> INLINE Vec<Real> at_least(Vec<Real> v, Real bottom) { return v < bottom ? all<Real>(bottom) : v; }

template <class Real> constexpr Real LARGEST = sizeof(Real) == 4 ? Real(3.4028234663852886e38) : Real(1.7976931348623157e308);

// exp by Cephes' range reduction: e^x = 2^n e^r with |r| <= ln 2 / 2.
INLINE Vec<float> exp_of(Vec<float> x) {
    Vec<float> whole = x;
    x = at_least<float>(at_most<float>(x, 88.7f), -103.9f);
    Vec<float> shifted = x * 1.44269504088896341f + 12582912.0f;  // 1.5 * 2^23: rounds to the nearest whole number
    Vec<float> n = shifted - 12582912.0f;
    Vec<float> r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    Vec<float> p = all<float>(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    // 2^n in two factors, so that results below the smallest normal number come out right.
    VecInt<float> k = __builtin_convertvector(n, VecInt<float>);
    VecInt<float> half = k >> 1;
    VecInt<float> a = (half + 127) << 23, b = (k - half + 127) << 23;
    return whole > 88.7228f ? all<float>(__builtin_inff()) : p * (Vec<float>)a * (Vec<float>)b;
}
INLINE Vec<double> exp_of(Vec<double> x) {
    Vec<double> whole = x;
    x = at_least<double>(at_most<double>(x, 709.78), -745.1);
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

// tanh: a polynomial near 0, where the error must stay relative, and by exp elsewhere (Cephes).
INLINE Vec<float> tanh_of(Vec<float> x) {
    Vec<float> z = x * x;
    Vec<float> p = all<float>(-5.70498872745e-3f);
    p = p * z + 2.06390887954e-2f;
    p = p * z + -5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z + -3.33332819422e-1f;
    Vec<float> small = x + x * z * p;
    Vec<float> magnitude = x < 0.0f ? -x : x;
    Vec<float> large = 1.0f - 2.0f / (exp_of(at_most<float>(magnitude, 40.0f) * 2.0f) + 1.0f);
    large = x < 0.0f ? -large : large;
    return magnitude < 0.625f ? small : large;
}
INLINE Vec<double> tanh_of(Vec<double> x) {
    Vec<double> z = x * x;
    Vec<double> p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3;
    Vec<double> q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3;
    Vec<double> small = x + x * z * (p / q);
    Vec<double> magnitude = x < 0.0 ? -x : x;
    Vec<double> large = 1.0 - 2.0 / (exp_of(at_most<double>(magnitude, 400.0) * 2.0) + 1.0);
    large = x < 0.0 ? -large : large;
    return magnitude < 0.625 ? small : large;
}
INLINE Vec<float> sigmoid_of(Vec<float> x) { return 1.0f / (1.0f + exp_of(-x)); }
INLINE Vec<double> sigmoid_of(Vec<double> x) { return 1.0 / (1.0 + exp_of(-x)); }

// One library call a lane, for functions that recurrent cells seldom use.
template <class Real, Real (*F)(Real)> INLINE Vec<Real> each(Vec<Real> v) {
    Vec<Real> result{};
    for (int i = 0; i < WIDTH<Real>; ++i) result[i] = F(v[i]);
    return result;
}
