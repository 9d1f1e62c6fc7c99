// What the harness is given: cells as plans of numbers, and the sizes of a layer; and buffers that end exactly where their numbers end.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <istream>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "api.hpp"

using namespace elman;
using Numbers = std::vector<double>;

inline int read(std::istream& in) {
    int value = 0;
    if (!(in >> value)) {
        std::fputs("the description of a plan or case ends too early\n", stderr);
        std::exit(2);
    }
    return value;
}
inline std::string read_word(std::istream& in) {
    std::string word;
    in >> word;
    return word;
}
inline std::vector<int> read_list(std::istream& in) {
    std::vector<int> found(read(in));
    for (int& one : found) one = read(in);
    return found;
}

struct OwnProgram {
    std::vector<Instruction> code;
    Numbers constants;
    std::vector<Slot> inputs, outputs;
    int registers = 0;

    explicit OwnProgram(std::istream& in) {
        const auto numbers = read_list(in);
        for (size_t k = 0; k + 3 < numbers.size(); k += 4) code.push_back({Op(numbers[k]), numbers[k + 1], numbers[k + 2], numbers[k + 3]});
        constants.resize(read(in));
        for (double& one : constants) in >> one;
        for (auto* slots : {&inputs, &outputs}) {
            const auto all = read_list(in);
            for (size_t k = 0; k + 2 < all.size(); k += 3) slots->push_back({Kind(all[k]), all[k + 1], all[k + 2]});
        }
        registers = read(in);
    }
    Program view() const {
        return {code.data(), int(code.size()), constants.data(), int(constants.size()), registers, inputs.data(), int(inputs.size()), outputs.data(), int(outputs.size())};
    }
};

struct Plan {
    std::string name;
    std::vector<int> x_block, h_block, history;
    int vectors, saved;
    OwnProgram forward, backward;

    explicit Plan(std::istream& in)
        : name(read_word(in)), x_block(read_list(in)), h_block(read_list(in)), history(read_list(in)), vectors(read(in)), saved(read(in)), forward(in), backward(in) {}
    static int used(const std::vector<int>& blocks) {
        int count = 0;
        for (int block : blocks) count += block >= 0;
        return count;
    }
};

enum Flag { RECORDS = 1, DX = 2, BIAS = 4, GRAD_Y = 8, GRAD_LAST = 16, GAPS = 32, DIFFERENCES = 64, CROWD = 128 };

struct Case {
    int inputs, units, directions, parts, threads, flags, wanted;  // wanted: bits of the weights whose gradients are asked for
    int table;                                                     // rows of a table that tokens choose from, or 0: plain inputs
    std::vector<int64_t> sizes, starts, tokens;
    int64_t rows = 0;

    explicit Case(std::istream& in) : inputs(read(in)), units(read(in)), directions(read(in)), parts(read(in)), threads(read(in)), flags(read(in)), wanted(read(in)), table(read(in)) {
        for (int size : read_list(in)) {
            sizes.push_back(size);
            starts.push_back(rows);
            rows += size;
        }
        for (int64_t row = 0; table && row < rows; ++row) tokens.push_back((row * 7 + row / 3) % table);
    }
    bool has(int flag) const { return flags & flag; }
    int steps() const { return int(sizes.size()); }
    int batch() const { return int(sizes[0]); }
};

// One number type's buffer: exactly as long as its numbers, so that a sanitizer sees the first one too far; NaN where nobody wrote.
template <class Real>
struct Buffer {
    int64_t count;
    std::unique_ptr<Real[]> data;

    explicit Buffer(int64_t n) : count(n), data(new Real[n]) {
        for (int64_t i = 0; i < n; ++i) data[i] = std::numeric_limits<Real>::quiet_NaN();
    }
    // `lines` of `width` numbers that lie `stride` apart; between them NaN.
    Buffer(const Numbers& from, int64_t width, int64_t stride) : Buffer(from.empty() ? 0 : (int64_t(from.size()) / width - 1) * stride + width) {
        for (int64_t i = 0; i < int64_t(from.size()); ++i) data[i / width * stride + i % width] = Real(from[i]);
    }
};

// Workspace of the engine: of the alignment that the engine's own memory has, and every byte of it a NaN.
struct Space {
    void* data = nullptr;
    explicit Space(int64_t bytes) {
        if (posix_memalign(&data, 4096, bytes)) std::abort();
        std::memset(data, 0xff, bytes);
    }
    Space(const Space&) = delete;
    ~Space() { std::free(data); }
};

// Numbers of one layer: given ones, or what comes out. Weights of a direction: ih, hh, bias_ih, bias_hh, vectors.
struct Values {
    Numbers x, y, weights[2][5];
    std::vector<Numbers> states;  // per state [D, B, H]
};
