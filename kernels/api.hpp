// What the engine and its callers share: plain data, no cell, no torch.
#pragma once
#include <cstdint>

namespace elman {

enum class Op : int { add, subtract, multiply, divide, negative, sigmoid, tanh, relu, softsign, softplus, exp, log, sqrt,
                      absolute, sign, positive, maximum, minimum, count };

// registers[result] = op(left, right); operands below zero are constants, -1 - k the k-th. One operand: right is left.
struct Instruction {
    Op op;
    int result, left, right;
};

// What a register holds at the start, or where a result goes. `index` counts columns, states, vectors or saved quantities.
enum class Kind : int { column, state_old, state_new, vector, saved, gradient };

struct Slot {
    Kind kind;
    int index;
    int place;  // register, or constant below zero
};

struct Program {
    const Instruction* code;
    int length;
    const double* constants;
    int constant_count;
    int registers;
    const Slot* inputs;
    int input_count;
    const Slot* outputs;
    int output_count;
};

// One direction of one layer. Letters: N rows (all steps below each other), T steps, B sequences, I inputs, H units.
// A column is one block of H pre-activations that the program reads: x-block and/or h-block of the weights, -1 for none.
struct Shape {
    int inputs, units, steps, batch;
    int64_t rows;
    const int64_t* batch_sizes;  // [T], never growing
    const int64_t* starts;       // [T], first row of each step
    bool reverse;
    int columns, states, vectors, saved;
    const int* x_block;
    const int* h_block;
    int threads;
};

struct Forward {
    Shape shape;
    Program program;
    const void *x, *weight_ih, *weight_hh, *bias_ih, *bias_hh, *vectors;  // weights as torch.nn has them; biases may be null
    int64_t x_stride, y_stride;                                            // between rows
    const void* const* initial;   // per state [B, H]
    void* const* last;            // per state [B, H]
    void* y;                      // [N, y_stride], the first state
    void* const* history;         // per state [N, H]; entry 0 and entries that nobody needs are null
    void* const* saved;           // per saved quantity [N, H]; null where nothing is recorded
    void* scratch;                // workspace, scratch_bytes(shape) long
};

struct Backward {
    Shape shape;
    Program program;
    const void *x, *weight_ih, *weight_hh, *vectors;
    int64_t x_stride, y_stride, grad_stride, dx_stride;
    const void* const* initial;
    const void* y;
    const void* const* history;
    const void* const* saved;
    const void* grad_y;               // [N, grad_stride] or null
    const void* const* grad_last;     // per state [B, H] or null
    void* dx;                         // [N, dx_stride] or null; added to where `accumulate_dx`
    bool accumulate_dx;
    void *d_weight_ih, *d_weight_hh, *d_bias_ih, *d_bias_hh, *d_vectors;
    void* const* grad_initial;        // per state [B, H]
    void* scratch;
};

struct Kernels {
    const char* name;
    void (*forward_f32)(const Forward&);
    void (*backward_f32)(const Backward&);
    void (*forward_f64)(const Forward&);
    void (*backward_f64)(const Backward&);
    int64_t (*scratch_f32)(const Shape&, int registers, bool backward);
    int64_t (*scratch_f64)(const Shape&, int registers, bool backward);
};

}  // namespace elman
