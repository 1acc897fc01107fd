using System.Runtime.InteropServices;

namespace Vitrine.Cli;

/// <summary>Passes on what the terminal or the caller sends to this process: it is meant for the program.</summary>
internal sealed class ForwardedSignals : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations;

    public ForwardedSignals(GuestProcess process)
    {
        _registrations =
        [
            Forward(PosixSignal.SIGHUP, 1),
            Forward(PosixSignal.SIGINT, 2),
            Forward(PosixSignal.SIGQUIT, 3),
            Forward(PosixSignal.SIGTERM, 15),
        ];

        PosixSignalRegistration Forward(PosixSignal signal, int number) => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            process.Signal(number, wholeGroup: true);
        });
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
    }
}
