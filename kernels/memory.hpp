// Memory that calls hand on to each other: a fresh page costs more than what is computed on it. Each thread keeps its own.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <new>
#include <tuple>
#include <utility>
#include <vector>

namespace elman {

class Memory {
  public:
    Memory() = default;
    explicit Memory(int64_t bytes) {
        auto& pieces = free_pieces();
        size_t best = pieces.size();
        for (size_t k = 0; k < pieces.size(); ++k)  // the smallest that holds it, unless most of it would lie idle
            if (pieces[k].second >= bytes && pieces[k].second <= 2 * bytes + 65536 && (best == pieces.size() || pieces[k].second < pieces[best].second)) best = k;
        if (best < pieces.size()) {
            std::tie(data_, bytes_) = pieces[best];
            pieces.erase(pieces.begin() + best);
            return;
        }
        bytes_ = (bytes + bytes / 8 + 4095) & ~int64_t(4095);
        data_ = static_cast<char*>(std::aligned_alloc(4096, bytes_));
        if (!data_) throw std::bad_alloc();
    }
    Memory(Memory&& other) noexcept : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}
    Memory& operator=(Memory&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~Memory() {
        if (!data_) return;
        auto& pieces = free_pieces();
        pieces.emplace_back(data_, bytes_);
        if (pieces.size() <= 16) return;
        std::free(pieces.front().first);
        pieces.erase(pieces.begin());
    }
    void* data() const { return data_; }

  private:
    struct Pieces : std::vector<std::pair<char*, int64_t>> {
        ~Pieces() {
            for (auto& piece : *this) std::free(piece.first);
        }
    };
    static Pieces& free_pieces() {
        static thread_local Pieces pieces;
        return pieces;
    }
    char* data_ = nullptr;
    int64_t bytes_ = 0;
};

}  // namespace elman
