// Streams: what one is made of, and what is asked of it. Plain data.
//
// A stream runs B sequences side by side, one step a call, and keeps packed weights, states and workspace of its own from call to call.
// Either rows of numbers go in and the outputs of the last layer come out, or symbols go in and logits of the next ones come out.
#pragma once
#include <cstdint>

namespace elman {

struct Program;
struct Weights;

struct StreamShape {
    const Program* program;  // one step of the cell, for every layer
    int inputs;              // of the first layer; 0 where it reads a table
    int units, batch, layers, columns, states, vectors;
    const int *x_block, *h_block;
    int symbols;             // V, or 0 for rows of numbers
    bool table, told;        // which of the below there are
    int threads;
};

// As torch.nn has them; biases may be null. They are read once.
struct StreamWeights {
    const Weights* layers;
    const void* told;             // [B, x blocks * H], added to the first layer's input maps: what a stream is told at every step
    const void* table;            // [V, x blocks * H], the first layer's input map of each symbol, without bias
    const void* embedding;        // [V, I], where there is no table
    const void *head, *head_bias; // [V, H], [V]
};

// How a symbol is drawn; see elman.models.drawing.
struct Drawing {
    double temperature;
    int64_t top_k;  // 0 for all
    double top_p;   // 1 for all
    int64_t never;  // a symbol that is left out, or -1
    int64_t stop;   // a symbol that ends its text, or -1
};

// Many steps in one call: symbols are read, or drawn from the logits and then read.
struct Passage {
    int64_t steps;
    int64_t* tokens;         // [steps, B]
    const double* uniforms;  // [steps, B] if symbols are drawn, else null
    Drawing drawing;
    uint8_t* ended;          // [B], which texts have ended; reading stops where all have
    double seconds;          // after which the call comes back at the end of a step
    bool broken;             // set where logits are such that nothing can be drawn from them
};

struct Streaming {  // for one type of numbers, and one of weights
    int number_bytes;
    int64_t (*bytes)(const StreamShape&);
    void (*make)(const StreamShape&, const StreamWeights&, void* memory);
    void (*step)(void* memory, int threads, const void* x, void* y);
    int64_t (*pass)(void* memory, int threads, Passage&);             // how many steps were made
    void (*logits)(const void* memory, void* to);                     // [B, V], after the last symbol
    void (*get_state)(const void* memory, int state, void* to);       // [L, B, H]
    void (*set_state)(void* memory, int state, const void* from);     // null: zeros
};

}  // namespace elman
