namespace Vitrine;

/// <summary>What went wrong outside the guest's programs.</summary>
public enum VitrineFailure
{
    /// <summary>An option has a value that can't be used.</summary>
    InvalidOption = 1,

    /// <summary>The host lacks or refuses something the machine needs.</summary>
    HostRefused = 2,

    /// <summary>The program, its interpreter or its directory was not found in the machine.</summary>
    ProgramNotFound = 3,

    /// <summary>The program was found but can't be executed.</summary>
    ProgramNotExecutable = 4,

    /// <summary>The machine's kernel found a bug of its own and stopped.</summary>
    KernelPanic = 5,

    /// <summary>The machine has been stopped.</summary>
    MachineStopped = 6,
}

/// <summary>An error of Vitrine itself; the message is one line that says what was being done and what went wrong.</summary>
public sealed class VitrineException : Exception
{
    /// <summary>An error of the given kind.</summary>
    public VitrineException(VitrineFailure failure, string message, Exception? inner = null)
        : base(message, inner)
    {
        Failure = failure;
    }

    /// <summary>The kind of error.</summary>
    public VitrineFailure Failure { get; }
}
