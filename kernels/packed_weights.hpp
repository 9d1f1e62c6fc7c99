// The weights of a layer in the order in which the forward pass reads them, kept while they do not change.
#pragma once
#include <memory>
#include <mutex>

#include "api.hpp"
#include "memory.hpp"

namespace elman {

class PackedWeights {
  public:
    // Both directions, packed. `keep` says that the same weights may come again: then it is worth looking whether they did.
    std::shared_ptr<Memory> get(const Kernels& kernels, const Engine& engine, const Shape& shape, const Weights* weights, bool keep) {
        // Nobody waits for another thread: a process may have been forked while one that it did not take along held the lock.
        const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
        if (!lock) return packed(engine, shape, weights);
        Fingerprint found;
        if (keep) {
            found = fingerprint(kernels, engine, shape, weights);
            if (known_ && &engine == engine_ && found == fingerprint_) return packed_;
        }
        packed_.reset();  // what nobody reads any more goes to this thread's memory, and is taken from there again
        packed_ = packed(engine, shape, weights);
        fingerprint_ = found;
        known_ = keep;
        engine_ = &engine;
        return packed_;
    }
    static int64_t bytes(const Engine& engine, const Shape& shape) { return (engine.packed_bytes(shape) + 63) & ~int64_t(63); }

  private:
    static std::shared_ptr<Memory> packed(const Engine& engine, const Shape& shape, const Weights* weights) {
        const int64_t each = bytes(engine, shape);
        auto memory = std::make_shared<Memory>(each * shape.directions);
        for (int d = 0; d < shape.directions; ++d) engine.pack(shape, weights[d], static_cast<char*>(memory->data()) + d * each);
        return memory;
    }
    static Fingerprint fingerprint(const Kernels& kernels, const Engine& engine, const Shape& s, const Weights* weights) {
        Fingerprint f;
        int64_t x = 0, h = 0;
        for (int c = 0; c < s.columns; ++c) x += s.x_block[c] >= 0, h += s.h_block[c] >= 0;
        const int64_t line = int64_t(s.units) * engine.number_bytes;
        auto add = [&](const void* data, int64_t lines) {
            if (data) kernels.fingerprint(f, data, lines * line);
        };
        for (int d = 0; d < s.directions; ++d) {
            const Weights& w = weights[d];
            add(w.ih, x * s.inputs), add(w.hh, h * s.units), add(w.bias_ih, x), add(w.bias_hh, h), add(w.vectors, s.vectors);
        }
        return f;
    }
    std::mutex mutex_;
    std::shared_ptr<Memory> packed_;
    Fingerprint fingerprint_;
    const Engine* engine_ = nullptr;
    bool known_ = false;
};

}  // namespace elman
