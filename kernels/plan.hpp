// A cell's compiled program as the kernels keep it, and which build of them runs it.
#pragma once
#include <algorithm>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

#include "api.hpp"

namespace elman {

struct OwnedProgram {
    std::vector<Instruction> code;
    std::vector<double> constants;
    std::vector<Slot> inputs, outputs;
    int registers;

    Program view() const {
        return {code.data(), int(code.size()), constants.data(), int(constants.size()), registers, inputs.data(), int(inputs.size()), outputs.data(), int(outputs.size())};
    }
};

struct Plan {
    std::vector<int> x_block, h_block, history;
    int vectors, saved;
    OwnedProgram forward, backward;

    // The kernels trust these numbers with addresses.
    void check() const {
        auto need = [](bool right) {
            if (!right) throw std::invalid_argument("a plan's blocks, history or slots are out of range");
        };
        need(!history.empty() && history.size() <= 64 && x_block.size() == h_block.size() && x_block.size() <= 4096);
        need(vectors >= 0 && vectors <= 4096 && saved >= 0 && saved <= 4096);
        auto in_order = [&](std::vector<int> some, int first) {  // each of first, first + 1, ... once, besides -1
            std::sort(some.begin(), some.end());
            for (int one : some) need(one == -1 || one == first++);
        };
        in_order(x_block, 0), in_order(h_block, 0), in_order(history, saved);
        auto within = [&](const std::vector<Slot>& slots, std::initializer_list<Kind> kinds) {
            const int states = int(history.size()), counts[] = {int(x_block.size()), states, states, vectors, saved, states};
            for (const Slot& s : slots) need(std::find(kinds.begin(), kinds.end(), s.kind) != kinds.end() && s.index >= 0 && s.index < counts[int(s.kind)]);
        };
        within(forward.inputs, {Kind::column, Kind::state_old, Kind::vector}), within(forward.outputs, {Kind::state_new, Kind::saved});
        within(backward.inputs, {Kind::state_old, Kind::state_new, Kind::vector, Kind::saved, Kind::gradient});
        within(backward.outputs, {Kind::column, Kind::state_old, Kind::vector});
        for (const Slot& s : backward.inputs) need((s.kind != Kind::state_old && s.kind != Kind::state_new) || s.index == 0 || history[s.index] >= 0);
    }
};

// The build of that name, or the fastest one if the name is empty.
const Kernels& kernels_named(const std::string& name);

// The fastest products of bfloat16 pairs that go with a build.
const Pairs& pairs_for(const Kernels& kernels);

// A process that was forked has lost the threads of the OpenMP runtime, and would wait for them for ever.
inline bool forked = false;

}  // namespace elman
