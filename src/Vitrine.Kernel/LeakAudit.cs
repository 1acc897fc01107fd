using System.Globalization;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel;

/// <summary>
/// What must be true when all processes of a machine have ended: nothing that is counted explicitly is left. Takes the
/// file tree apart for it, so it is the last thing that a kernel does.
/// </summary>
internal static class LeakAudit
{
    /// <summary>
    /// Unmounts everything and tells what is still alive; null if nothing is, or if processes were still running, who
    /// rightly hold things. Under the kernel lock, with all processors stopped.
    /// </summary>
    public static string? Run(KernelInstance kernel)
    {
        long kernelTasks = 0;
        foreach (ThreadGroup group in kernel.Tasks.Processes)
        {
            foreach (Task task in group.Threads)
            {
                if (!task.IsKernelThread)
                    return null;
                kernelTasks++;
                task.Fs?.Put();
                task.Fs = null;
            }
        }

        kernel.InitialNamespaces.Ipc.Clear();
        kernel.LoopDevices.Shutdown();
        kernel.Terminals.CloseBridges();
        kernel.InitialNamespaces.Mount.Clear();
        kernel.UnixFilesInFlight.Collect();
        kernel.Vfs.Shutdown();
        var leaks = new List<string>();
        Check(leaks, "task", kernel.Audit.LiveTasks - kernelTasks);
        Check(leaks, "open file", kernel.Audit.LiveFiles);
        Check(leaks, "descriptor table", kernel.Audit.LiveDescriptorTables);
        Check(leaks, "pseudo-terminal", kernel.Terminals.PairCount);
        Check(leaks, "mount", kernel.Audit.LiveMounts);
        Check(leaks, "file system", kernel.Audit.LiveSuperBlocks);
        Check(leaks, "dentry", kernel.Dentries.Count);
        Check(leaks, "file lock", kernel.Vfs.Locks.Count);
        Check(leaks, "address space", kernel.Memory.LiveAddressSpaces);
        Check(leaks, "page cache", kernel.Memory.LivePageCaches);
        Check(leaks, "charged frame", kernel.RootCgroup.FramesCharged);
        Check(leaks, "byte of kernel memory", kernel.RootCgroup.KernelMemory - (kernelTasks * TaskRegistry.KernelMemoryPerTask));
        return leaks.Count == 0 ? null : string.Join(", ", leaks);
    }

    private static void Check(List<string> leaks, string what, long count)
    {
        if (count != 0)
            leaks.Add(string.Create(CultureInfo.InvariantCulture, $"{count} × {what}"));
    }
}
