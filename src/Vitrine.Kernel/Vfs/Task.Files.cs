namespace Vitrine.Kernel.Tasks;

/// <content>What the VFS asks of a task.</content>
internal sealed unsafe partial class Task
{
    /// <summary>Whether the task has a capability over its own user namespace.</summary>
    internal bool IsCapable(Security.Capability capability) => Credentials.IsCapable(Credentials.UserNamespace, capability);

    /// <summary>RLIMIT_NOFILE.</summary>
    internal ulong DescriptorLimit => LimitOf(ResourceLimit.NoFile);

    /// <summary>RLIMIT_FSIZE in bytes.</summary>
    internal ulong FileSizeLimit => LimitOf(ResourceLimit.FileSize);

    /// <summary>SIGXFSZ: a write would pass RLIMIT_FSIZE.</summary>
    internal void SendFileSizeSignal() => Signals.SignalSender.SendKernel(this, SignalNumber.Xfsz);
}
