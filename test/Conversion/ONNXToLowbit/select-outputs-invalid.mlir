// RUN: lowbit-opt %s --lowbit-select-outputs=top=logits --verify-diagnostics

// expected-error @below {{expected NAME:COUNT, got 'logits'}}
module {
}
