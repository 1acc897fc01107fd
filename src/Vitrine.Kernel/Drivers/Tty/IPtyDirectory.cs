using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Drivers.Tty;

/// <summary>Where the slaves of pseudo-terminals have their numbers and nodes: an instance of devpts.</summary>
internal interface IPtyDirectory
{
    /// <summary>Takes the lowest free number. ENOSPC at the instance's or the machine's limit.</summary>
    Result<int> AllocateNumber();

    void FreeNumber(int number);

    /// <summary>Shows a slave; its node belongs to the opener. ENOMEM.</summary>
    Errno AddNode(Task current, PtyDevice slave);

    /// <summary>The master is closed: the name goes at once.</summary>
    void RemoveNode(PtyDevice slave);

    /// <summary>The instance outlives its mounts while a pair needs it.</summary>
    void Hold();

    void Unhold();
}

/// <summary>The inode of a slave.</summary>
internal interface IPtyNode
{
    /// <summary>Null once the pair is gone.</summary>
    PtyDevice? Slave { get; }
}
