// Passing: save and restore are declared in state.hpp.
#pragma once
#include "cognito/state.hpp"
