namespace Vitrine.Kernel.Tasks;

/// <content>Futex registrations.</content>
internal sealed partial class Task
{
    /// <summary>The head of the thread's robust list (set_robust_list).</summary>
    public UserPtr<RobustListHead> RobustHead { get; set; }
}
