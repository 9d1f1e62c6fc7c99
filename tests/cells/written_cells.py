"""Cells as a stranger would write them: ten lines each, and each one odd in another way."""

from __future__ import annotations

from elman.cells import Cell, absolute, exp, log, maximum, mean, minimum, relu, sigmoid, softplus, softsign, sqrt, tanh


class Quotient(Cell):
    """Divides by something that is never near zero, and subtracts the recurrent map from the input's."""

    gates = ("a", "b")

    def step(self, x, h, s):
        a, b = x.a - h.a, 1.5 + absolute(x.b + h.b)
        return {"a": a, "b": b, "h": a / b + s.h / (2 + s.h * s.h)}


class Kinked(Cell):
    """Functions with corners: maximum, minimum, |v|, relu, and softplus beside them."""

    gates = ("u", "v")

    def step(self, x, h, s):
        u, v = x.u + h.u, x.v + h.v
        low = minimum(softplus(u), 0.7 * s.h + 0.3)
        return {"low": low, "h": tanh(maximum(u, v) + low - relu(v - 0.1)) * absolute(u)}


class LayerNorm(Cell):
    """Means over the units of a layer."""

    def step(self, x, h, s):
        a = x.h + h.h
        centred = a - mean(a)
        return {"centred": centred, "h": tanh(centred / sqrt(mean(centred * centred) + 0.01))}


class NormedMemory(Cell):
    """A mean in mid-step beside a memory that it does not see."""

    gates = ("f", "g")
    state = ("h", "c")
    forget_gate = "f"

    def step(self, x, h, s):
        g = x.g + h.g
        c = sigmoid(x.f + h.f) * s.c + tanh(g - mean(g))
        return {"c": c, "h": tanh(c) * 0.5}


class MidStep(Cell):
    """A matrix product in mid-step, with a gate whose map also acts on the previous output."""

    gates = ("r", "k")

    def step(self, x, h, s):
        r = sigmoid(x.r + h.r)
        k = tanh(x.k + h(r * s.h).k)
        return {"r": r, "k": k, "h": 0.5 * k + 0.5 * tanh(h.k - h(k).r)}


class ThreeStates(Cell):
    """A fast and a slow memory behind the output."""

    gates = ("a", "b", "o")
    state = ("h", "fast", "slow")
    forget_gate = "a"

    def step(self, x, h, s):
        a, b, o = sigmoid(x.a + h.a), tanh(x.b + h.b), sigmoid(x.o + h.o + 0.5 * s.slow)
        fast = a * s.fast + (1 - a) * b
        slow = 0.9 * s.slow + 0.1 * fast * s.h
        return {"a": a, "b": b, "o": o, "fast": fast, "slow": slow, "h": o * softsign(fast - slow)}


class OutOfOrder(Cell):
    """An LSTM without input gate whose dict starts with what is computed last."""

    gates = ("f", "g")
    state = ("h", "c")

    def step(self, x, h, s):
        f, g = sigmoid(x.f + h.f), tanh(x.g + h.g)
        c = f * s.c + (1 - f) * g
        return {"h": tanh(c), "c": c, "g": g, "f": f}


class PerUnit(Cell):
    """Three weights for each unit; the same one twice in one equation."""

    gates = ("a",)
    vectors = ("decay", "gain", "shift")

    def step(self, x, h, s, p):
        kept = sigmoid(p.decay) * s.h
        return {"kept": kept, "h": tanh(kept + p.gain * (x.a + h.a) * p.gain + p.shift)}


class Bilinear(Cell):
    """The sum of both maps stands in a product whose derivative SymPy spreads out: 1 - (x + h)."""

    gates = ("a", "k")

    def step(self, x, h, s):
        a, k = x.a + h.a, x.k + h.k
        return {"h": tanh(s.h * (1 - a) + 2 * k * (3 - a) * 0.25)}


class Delay(Cell):
    """A state that is only an old one passed on, one that never changes, and one that is an affine map as it stands."""

    gates = ("a", "b")
    state = ("h", "before", "clock", "seen")

    def step(self, x, h, s):
        return {
            "h": tanh(x.a + h.a + 0.5 * s.before + s.clock - 0.1 * s.seen),
            "before": s.h,
            "clock": 0.25,
            "seen": x.b,
        }


class Unused(Cell):
    """Quantities that nothing uses, and a gate of which only the input's map is used and one with only the recurrent one."""

    gates = ("i", "o", "never", "r")

    def step(self, x, h, s):
        i = sigmoid(x.i)
        return {"i": i, "nothing": i * i + exp(x.o), "alone": log(1 + i), "h": i * tanh(h.r) + (1 - i) * s.h}


class Powers(Cell):
    """Powers, exponentials and logarithms, chained over several names."""

    gates = ("a",)
    state = ("h", "c")

    def step(self, x, h, s):
        a = softsign(x.a + h.a)
        c = a**3 - s.c**2 / 4 + exp(-(a * a))
        return {"a": a, "c": c, "h": log(1 + c * c) - a / (1 + exp(a))}


class Deaf(Cell):
    """Does not read its input at all."""

    gates = ("a",)

    def step(self, x, h, s):
        return {"h": tanh(h.a + 0.3)}


class Many(Cell):
    """More gates than usual cells have."""

    gates = tuple("abcdefghij")

    def step(self, x, h, s):
        parts = [tanh(getattr(x, name) + getattr(h, name)) for name in self.gates]
        return {"h": tanh(sum((0.1 + 0.1 * k) * part for k, part in enumerate(parts)))}


WRITTEN = {
    c.__name__: c()
    for c in (
        Quotient,
        Kinked,
        LayerNorm,
        NormedMemory,
        MidStep,
        ThreeStates,
        OutOfOrder,
        PerUnit,
        Bilinear,
        Delay,
        Unused,
        Powers,
    )
}
NOT_POINTWISE = {"LayerNorm": "mean", "NormedMemory": "mean", "MidStep": "k, r", "gru-cho": "n", "mgu": "n"}
