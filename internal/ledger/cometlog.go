package ledger

import (
	"context"
	"log/slog"
	"sync/atomic"

	cmtlog "github.com/cometbft/cometbft/libs/log"
)

// cometLog passes CometBFT's warnings and errors on. It also notices that consensus has stopped: CometBFT recovers
// from a panic of its consensus routine and tells nobody but its log.
type cometLog struct {
	log   *slog.Logger
	state *logState
}

// logState is shared by all loggers made by With.
type logState struct {
	quiet  atomic.Bool // the node is stopping; what it says about closed connections is no error
	halted atomic.Bool // consensus has stopped
	onHalt func()      // called once it has
}

// consensusFailure is what CometBFT v0.40 logs when its consensus routine has ended by a panic. A test holds it.
const consensusFailure = "CONSENSUS FAILURE!!!"

var _ cmtlog.Logger = (*cometLog)(nil)

// Debug implements CometBFT's logger.
func (*cometLog) Debug(string, ...any) {}

// Info implements CometBFT's logger.
func (*cometLog) Info(string, ...any) {}

// Warn implements CometBFT's logger.
func (l *cometLog) Warn(msg string, keyvals ...any) { l.emit(slog.LevelWarn, msg, keyvals) }

// Error implements CometBFT's logger.
func (l *cometLog) Error(msg string, keyvals ...any) {
	l.emit(slog.LevelError, msg, keyvals)
	if msg == consensusFailure {
		l.state.halted.Store(true)
		l.state.onHalt()
	}
}

func (l *cometLog) emit(level slog.Level, msg string, keyvals []any) {
	if l.state.quiet.Load() {
		return
	}
	l.log.Log(context.Background(), level, msg, keyvals...)
}

// With implements CometBFT's logger.
func (l *cometLog) With(keyvals ...any) cmtlog.Logger {
	return &cometLog{log: l.log.With(keyvals...), state: l.state}
}
