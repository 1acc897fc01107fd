set pagination off
set confirm off
set width 0
break work
run
backtrace
info args
info locals
next
next
next
step
print x
finish
print sum
break square if x == 3
info breakpoints
continue
print x
up
print i
delete
tbreak 32
continue
print/x sum
set var sum = 1000
finish
print total
watch total
awatch counter
rwatch ratio
continue
delete
print square(9)
print items
print *items@2
ptype struct item
x/4dw items
print $_siginfo
handle SIGUSR1 nostop print pass
hbreak handler
continue
backtrace 1
print $eflags
info registers cs ss ds es fs gs
stepi
x/2i $pc
delete
finish
catch fork
continue
delete
catch syscall pipe2
continue
continue
delete
break meet
continue
info threads
thread apply all backtrace 1
thread 2
up
print $_thread
thread 1
delete
watch total
continue
continue
delete
continue
print $_siginfo.si_signo
backtrace 3
info program
gcore ./made.core
kill
quit
